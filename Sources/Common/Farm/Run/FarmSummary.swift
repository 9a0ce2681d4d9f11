import Foundation

/// A farm that has just come up.
package struct FarmSummary: Codable, Equatable, Sendable, CustomStringConvertible {
    package let state: String
    /// The API and the web pages.
    package let url: String
    package let supervisor: Int32
    package let ports: [String: Int]
    package let versions: [String: String]
    package let processes: [String]

    init(_ record: FarmRecord, _ table: ProcessTable) {
        self.state = record.state
        self.url = record.url
        self.supervisor = record.supervisor.pid
        self.ports = record.ports
        self.versions = record.versions
        self.processes = table.rows.map(\.name)
    }

    /// A few lines for a terminal.
    package var description: String {
        func server(_ name: String, _ title: String) -> String {
            "\(title) \(self.versions[name] ?? "") on port \(self.ports[name] ?? 0)"
        }
        return """
            The farm is up, process \(self.supervisor): \(self.processes.joined(separator: ", "))
              web and API  \(self.url)
              servers      \(server(PortName.postgres, "PostgreSQL")), \(server(PortName.rabbitmq, "RabbitMQ"))
              state        \(self.state)
            """
    }
}
