import PrivateServers

/// The addresses of the private servers, with their passwords.
struct FarmSettings {
    static let database = "millrace"
    static let brokerUser = "millrace"

    let databaseURL: String
    let amqpURL: String
    let brokerAdminURL: String

    /// - Throws: `ServerError` if a password cannot be read.
    init(_ layout: FarmLayout, _ ports: [String: Int]) throws {
        let postgres = try PrivateFiles.readAll(layout.postgresPassword)
        let broker = try FarmKeys.brokerPassword(layout)
        func address(_ name: String) -> String { "127.0.0.1:\(ports[name] ?? 0)" }
        self.databaseURL =
            "postgresql://\(PrivatePostgres.user):\(postgres)@\(address(PortName.postgres))/\(Self.database)"
        self.amqpURL = "amqp://\(Self.brokerUser):\(broker)@\(address(PortName.rabbitmq))/"
        self.brokerAdminURL = "http://\(Self.brokerUser):\(broker)@\(address(PortName.rabbitmqManagement))"
    }
}
