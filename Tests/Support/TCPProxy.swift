import Glibc
import NIOConcurrencyHelpers
import PrivateServers

/// A wire between a client and a server on loopback that a test can clog or cut.
///
/// Two threads per connection copy bytes; ``stall()`` lets them stop reading from the client, so that its sends block
/// once all buffers are full, as with a peer that hangs.
package final class TCPProxy: Sendable {
    private struct State {
        var isStalled = false
        var isClosed = false
        var connections: [(client: CInt, server: CInt)] = []
        var accepted = 0
        var sentByClients = 0
        var waiters: [(isDone: @Sendable (State) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }

    /// `POLLRDHUP`, which Swift does not import.
    private static let peerHasEnded: Int16 = 0x2000

    /// Where clients connect.
    package let port: Int
    private let target: Int
    private let listener: CInt
    private let state = NIOLockedValueBox(State())

    /// Listens at once.
    ///
    /// - Throws: ``ServerError``.
    package init(to target: Int) throws {
        self.target = target
        self.port = try FreePort.pick()[0]
        self.listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = FreePort.loopback(port: self.port)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(self.listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard bound, listen(self.listener, 16) == 0 else { throw ServerError("no proxy on port \(self.port)") }
        Self.thread { [self] in self.accept() }
    }

    /// How many connections have been made so far.
    package var accepted: Int { self.state.withLockedValue { $0.accepted } }

    /// How many bytes all clients together have sent to the server.
    package var sentByClients: Int { self.state.withLockedValue { $0.sentByClients } }

    /// Waits until `count` connections have been made.
    package func waitUntilAccepted(_ count: Int) async { await self.wait { $0.accepted >= count } }

    /// Waits until the clients have sent `count` bytes.
    package func waitUntilSent(_ count: Int) async { await self.wait { $0.sentByClients >= count } }

    private func wait(until isDone: @escaping @Sendable (State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isThere = self.state.withLockedValue { state in
                let isThere = isDone(state)
                if !isThere { state.waiters.append((isDone, continuation)) }
                return isThere
            }
            if isThere { continuation.resume() }
        }
    }

    /// Changes the state and wakes whoever waited for that.
    private func change(_ body: (inout State) -> Void) {
        let ready = self.state.withLockedValue { state in
            body(&state)
            let ready = state.waiters.filter { $0.isDone(state) }.map(\.continuation)
            if !ready.isEmpty { state.waiters = state.waiters.filter { !$0.isDone(state) } }
            return ready
        }
        for continuation in ready { continuation.resume() }
    }

    /// From now on nothing the client sends is read. Connections made later are stalled, too, once they are up.
    package func stall() { self.state.withLockedValue { $0.isStalled = true } }

    /// Bytes flow again, on connections made from now on; those that were stalled stay so.
    package func resume() { self.state.withLockedValue { $0.isStalled = false } }

    /// Breaks all present connections, without a good-bye.
    package func cut() {
        self.state.withLockedValue { state in
            for (client, server) in state.connections {
                shutdown(client, CInt(SHUT_RDWR))
                shutdown(server, CInt(SHUT_RDWR))
            }
        }
    }

    /// Listens no more, and breaks what there is.
    package func close() {
        self.state.withLockedValue { $0.isClosed = true }
        shutdown(self.listener, CInt(SHUT_RDWR))
        self.cut()
    }

    private func accept() {
        while true {
            let client = Glibc.accept(self.listener, nil, nil)
            guard client >= 0, !self.state.withLockedValue({ $0.isClosed }) else { break }
            let server = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            var address = FreePort.loopback(port: self.target)
            let isConnected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
            guard isConnected else {
                Glibc.close(client)
                Glibc.close(server)
                continue
            }
            self.change { state in
                state.connections.append((client, server))
                state.accepted += 1
            }
            Self.thread { [self] in self.copy(from: client, to: server, mayStall: true) }
            Self.thread { [self] in self.copy(from: server, to: client, mayStall: false) }
        }
        Glibc.close(self.listener)
    }

    /// Descriptors are shut down, not closed, at the end: the other thread still has them, and a test is short.
    private func copy(from source: CInt, to target: CInt, mayStall: Bool) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            if mayStall, self.state.withLockedValue({ $0.isStalled }) {
                // Waits, without reading, for the end of the connection.
                var end = pollfd(fd: source, events: Self.peerHasEnded, revents: 0)
                poll(&end, 1, -1)
                break
            }
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            var sent = 0
            while sent < count {
                let step = buffer.withUnsafeBytes {
                    send(target, $0.baseAddress?.advanced(by: sent), count - sent, CInt(MSG_NOSIGNAL))
                }
                guard step > 0 else { break }
                sent += step
            }
            guard sent == count else { break }
            if mayStall { self.change { $0.sentByClients += count } }
        }
        shutdown(source, CInt(SHUT_RDWR))
        shutdown(target, CInt(SHUT_RDWR))
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        final class Box: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var handle = pthread_t()
        let status = pthread_create(
            &handle,
            nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body()
                return nil
            },
            Unmanaged.passRetained(Box(body)).toOpaque()
        )
        precondition(status == 0, "no thread left for the proxy")
        pthread_detach(handle)
    }
}
