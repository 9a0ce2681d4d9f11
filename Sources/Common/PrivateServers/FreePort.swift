package import Glibc
import NIOConcurrencyHelpers

/// Ports of the loopback interface.
package enum FreePort {
    /// Below those that Linux gives to outgoing connections (`ip_local_port_range`, 32768 and up). One of these may be taken between
    /// the choice and the start of the server, or while the server is down: even by a client that then connects to itself.
    private static let range = 15_000..<32_768

    /// Those that were given out: a server takes seconds until it listens, and its port looks free until then.
    private static let given = NIOLockedValueBox<Set<Int>>([])

    /// Some ports that nobody uses at this moment, and that were not given out before in this process.
    ///
    /// - Throws: ``ServerError``.
    package static func pick(_ count: Int = 1) throws -> [Int] {
        // All are held until all are chosen, so that they differ.
        var descriptors: [CInt] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        var ports: [Int] = []
        for _ in 0..<1000 where ports.count < count {
            let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { throw ServerError("no socket: \(String(cString: strerror(errno)))") }
            descriptors.append(descriptor)
            let port = Int.random(in: self.range)
            guard self.bind(descriptor, to: port) else { continue }
            if self.given.withLockedValue({ $0.insert(port).inserted }) { ports.append(port) }
        }
        guard ports.count == count else {
            throw ServerError("no free port on 127.0.0.1 between \(self.range.lowerBound) and \(self.range.upperBound)")
        }
        return ports
    }

    private static func bind(_ descriptor: CInt, to port: Int) -> Bool {
        var address = Self.loopback(port: port)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// Connects to a port, sends `greeting`, and returns the first byte of the answer; nil if there is none within
    /// about a second. Blocks.
    package static func firstByte(port: Int, greeting: [UInt8]) -> UInt8? {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 1, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = Self.loopback(port: port)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected, send(descriptor, greeting, greeting.count, CInt(MSG_NOSIGNAL)) == greeting.count
        else { return nil }
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) == 1 ? byte : nil
    }

    package static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
