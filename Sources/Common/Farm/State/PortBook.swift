import Glibc
import PrivateServers

/// What a port is for.
package enum PortName {
    package static let postgres = "postgres"
    package static let rabbitmq = "rabbitmq"
    package static let rabbitmqPortMapper = "rabbitmq-epmd"
    package static let rabbitmqDistribution = "rabbitmq-distribution"
    package static let rabbitmqManagement = "rabbitmq-management"
    /// The Gateway's API and pages; its admin port has the process's name, like those of the others.
    package static let http = "gateway-http"
}

/// The ports of a farm: those of the last run as long as they are free, so that what was told to others stays true.
struct PortBook {
    private(set) var ports: [String: Int] = [:]
    private let recorded: [String: Int]
    private let isFree: (Int) -> Bool
    private let candidates: () -> Int

    /// - Parameters:
    ///   - recorded: the ports of the last run.
    ///   - candidates: a port to try.
    init(
        recorded: [String: Int],
        isFree: @escaping (Int) -> Bool = LoopbackPort.isFree,
        candidates: @escaping () -> Int = LoopbackPort.candidate
    ) {
        self.recorded = recorded
        self.isFree = isFree
        self.candidates = candidates
    }

    /// The port for a purpose; the same one each time.
    ///
    /// - Parameter wanted: what the user asked for: this one or none.
    /// - Throws: ``FarmError`` if the wanted one is taken, or if no free one is found.
    mutating func port(_ name: String, wanted: Int? = nil) throws -> Int {
        if let port = self.ports[name] { return port }
        let port = try wanted.map { try self.checked($0, name) } ?? self.usual(name) ?? self.another(name)
        self.ports[name] = port
        return port
    }

    private func checked(_ wanted: Int, _ name: String) throws -> Int {
        guard (1...65_535).contains(wanted), self.isFree(wanted) else {
            throw FarmError(
                .portTaken,
                "port \(wanted) of 127.0.0.1, asked for as \(name), is taken: choose another one, or none to get a free one"
            )
        }
        return wanted
    }

    private func usual(_ name: String) -> Int? {
        guard let port = self.recorded[name], self.isUnused(port) else { return nil }
        return port
    }

    private func another(_ name: String) throws -> Int {
        // Ports of the last run that are not given out yet stay for those they belong to.
        let reserved = Set(self.recorded.values)
        for _ in 0..<2000 {
            let port = self.candidates()
            if !reserved.contains(port) && self.isUnused(port) { return port }
        }
        throw FarmError(.portTaken, "no free port for \(name) on 127.0.0.1 below the range of outgoing connections")
    }

    private func isUnused(_ port: Int) -> Bool { !self.ports.values.contains(port) && self.isFree(port) }
}

enum LoopbackPort {
    /// True if nobody listens there.
    static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // Connections of the last run that are still winding up do not count.
        var yes: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
        var address = FreePort.loopback(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 && listen(descriptor, 1) == 0
            }
        }
    }

    /// Any port that the kernel does not use for outgoing connections (from 32768 on, unless set otherwise).
    ///
    /// A client that keeps trying a port of that range while its server is away can end up connected to itself, and
    /// the server then finds its port taken.
    static func candidate() -> Int { Int.random(in: 15_000..<32_768) }
}
