import Glibc

/// The release this was built from.
package enum MillraceVersion {
    package static let current = "0.1.0"
}

/// Who this process is, for logs, connection names, leader rows and health.
package struct Identity: Equatable, Sendable {
    /// Such as `scheduler`.
    package let service: String
    /// Unique among the running processes of a service: given, or made of host and process id.
    package let instance: String
    package let host: String
    package let pid: Int32
    package var version: String { MillraceVersion.current }

    package init(service: String, instance: String? = nil) {
        self.service = service
        self.host = Self.hostName()
        self.pid = getpid()
        self.instance = instance ?? "\(self.host)-\(self.pid)"
    }

    /// A name for a connection, such as `scheduler host-17 publisher`.
    package func connectionName(_ purpose: String) -> String { "\(self.service) \(self.instance) \(purpose)" }

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
