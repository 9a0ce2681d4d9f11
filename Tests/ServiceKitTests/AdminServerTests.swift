import CoreMetrics
import Glibc
import Logging
import Messages
import NIOConcurrencyHelpers
import ServiceLifecycle
import Testing

@testable import ServiceKit

@Suite struct AdminServerTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test func itAnswersOnAPortOfItsChoiceAndSaysWhyNotReady() async throws {
        let health = HealthState(identity: Identity(service: "test", instance: "one"))
        let problem = NIOLockedValueBox<String?>("connection refused")
        health.watch(connection: "database") { problem.withLockedValue { $0 } }
        let metrics = PrometheusRegistry()
        Counter(label: "seen", factory: metrics).increment()
        try await self.running(health, metrics) { address in
            let ready = try Self.get("/readyz", address)
            #expect(ready.hasPrefix("HTTP/1.1 503"))
            let body = try #require(ready.split(separator: "\r\n").last)
            let report = try WireFormat.value(HealthReport.self, from: String(body))
            #expect(report == health.readiness())
            #expect(report.checks == [.init(name: "database", ok: false, reason: "connection refused")])
            #expect(try Self.get("/healthz", address).hasPrefix("HTTP/1.1 200"))
            problem.withLockedValue { $0 = nil }
            #expect(try Self.get("/readyz", address).hasPrefix("HTTP/1.1 200"))
            let text = try Self.get("/metrics", address)
            #expect(text.lowercased().contains("content-type: text/plain; version=0.0.4"))
            #expect(text.contains("# TYPE seen_total counter\nseen_total 1\n"))
        }
    }

    @Test func anAddressThatIsTakenIsOneClearError() async throws {
        let health = HealthState(identity: Identity(service: "test"))
        try await self.running(health, PrometheusRegistry()) { address in
            let second = AdminServer(
                address: address,
                health: health,
                metrics: PrometheusRegistry(),
                logger: self.logger
            )
            let error = await #expect(throws: StartupError.self) { try await second.run() }
            #expect(error?.description.hasPrefix("the admin server cannot listen on \(address): ") == true)
        }
    }

    private func running(
        _ health: HealthState,
        _ metrics: PrometheusRegistry,
        _ body: (HostPort) async throws -> Void
    ) async throws {
        let (listening, listens) = AsyncStream.makeStream(of: HostPort.self)
        let server = AdminServer(
            address: HostPort(host: "127.0.0.1", port: 0),
            health: health,
            metrics: metrics,
            logger: self.logger,
            onListening: { address in listens.yield(address) }
        )
        let group = ServiceGroup(services: [server], gracefulShutdownSignals: [], logger: self.logger)
        let task = Task { try await group.run() }
        let address = try #require(await listening.first { _ in true })
        try await body(address)
        await group.triggerGracefulShutdown()
        try await task.value
    }

    /// One request over a socket of ours: the whole answer.
    private static func get(_ path: String, _ server: HostPort) throws -> String {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(socket >= 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(server.port).bigEndian
        address.sin_addr.s_addr = inet_addr(server.host)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let request = Array("GET \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
        try #require(send(socket, request, request.count, 0) == request.count)
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(socket, &chunk, chunk.count, 0), count > 0 { answer += chunk[..<count] }
        return String(decoding: answer, as: UTF8.self)
    }
}
