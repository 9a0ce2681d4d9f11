import NIOConcurrencyHelpers
import ServiceKit
import Testing

@Suite struct HealthTests {
    private final class ManualTime: Sendable {
        private let offset = NIOLockedValueBox(Duration.zero)
        private let start = ContinuousClock.now
        func now() -> ContinuousClock.Instant { self.start + self.offset.withLockedValue { $0 } }
        func advance(_ duration: Duration) { self.offset.withLockedValue { $0 += duration } }
    }

    private let time = ManualTime()
    private let health: HealthState

    init() {
        let time = self.time
        self.health = HealthState(identity: Identity(service: "test", instance: "one"), now: { time.now() })
    }

    @Test func idleIsHealthyHoweverLong() {
        _ = self.health.component("books", limit: .seconds(10))
        self.time.advance(.seconds(1000))
        #expect(self.health.readiness().ok)
    }

    @Test func workWithoutProgressIsNotReadyAfterTheLimit() {
        let books = self.health.component("books", limit: .seconds(10))
        books.began()
        self.time.advance(.seconds(10))
        #expect(self.health.readiness().ok)
        self.time.advance(.seconds(1))
        let report = self.health.readiness()
        #expect(!report.ok)
        #expect(
            report.checks == [
                .init(name: "books", ok: false, reason: "no progress for 11 s, 10 s are allowed")
            ]
        )
        books.progress()
        #expect(self.health.readiness().ok)
        books.ended()
        self.time.advance(.seconds(100))
        #expect(self.health.readiness().ok)
    }

    @Test func aFailureKeepsTheTimeRunningThoughTheWorkIsGivenBack() {
        let books = self.health.component("books", limit: .seconds(10))
        for _ in 0..<4 {
            books.began()
            books.failing("no database")
            books.ended()
            self.time.advance(.seconds(3))
        }
        #expect(self.health.readiness().checks.first?.reason == "no progress for 12 s, 10 s are allowed: no database")
        #expect(!self.health.readiness().ok)
        books.began()
        books.progress()
        books.ended()
        self.time.advance(.seconds(100))
        #expect(self.health.readiness().ok)
    }

    @Test func aConnectionThatIsDownIsNotReadyAtOnce() {
        let problem = NIOLockedValueBox<String?>("refused")
        self.health.watch(connection: "database") { problem.withLockedValue { $0 } }
        #expect(self.health.readiness().checks == [.init(name: "database", ok: false, reason: "refused")])
        #expect(self.health.connectionProblem() == "database: refused")
        #expect(self.health.liveness().ok)
        problem.withLockedValue { $0 = nil }
        #expect(self.health.readiness().ok)
        #expect(self.health.connectionProblem() == nil)
    }
}
