import AMQP
import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import SimulatedSite
import TestSupport
import Testing

/// Manifests of attempts that were given up, of winners once more, and of strangers: each is told, and none changes the books.
@Suite struct LateManifestTests {
    /// Jobs whose first attempts are lost and come back: the first as soon as another attempt has the job, the others when that has won.
    private final class Site: Sendable {
        let manifests = NIOLockedValueBox<[AttemptKey: FinishedItem]>([:])
        let begun = Gathered()
        let won = Gathered()

        func behaviour(_ job: OfferedJob) -> SimulatedAgent.Behaviour {
            let key = job.name.key
            guard key.attempt == 1 else {
                if key.index == 0 { self.begun.insert([1]) }
                // Long enough for the first attempt's manifest to come before.
                let finish = SimulatedAgent.Behaviour.finishWith { self.keep($0) }
                return key.index == 0 ? .until({ await self.won.more(than: 0) }, finish) : finish
            }
            switch key.index {
            case 0: return .comeBack({ await self.begun.more(than: 0) }, { self.keep($0) })
            default: return .comeBack({ await self.won.more(than: 1) }, { self.keep($0) })
            }
        }

        private func keep(_ item: FinishedItem) -> FinishedItem {
            self.manifests.withLockedValue { $0[item.name.key] = item }
            return item
        }
    }

    private static func message(_ item: FinishedItem, from site: String) throws -> OutgoingMessage {
        OutgoingMessage(
            exchange: Exchange.site(site),
            routingKey: RoutingKey.finished,
            body: try Batch([item]).encoded(),
            type: FinishedItem.type
        )
    }

    private static func late(_ centre: TestCentre, _ request: Int64) async throws -> [String] {
        try await centre.database.query(
            Statement(
                "test",
                """
                SELECT concat_ws(' ', index, attempt, a.state, code, late_code, late_diagnostic)
                FROM attempt_view a JOIN task_view t ON t.task = a.task WHERE t.request = \(request) ORDER BY index, attempt
                """,
                returning: String.self
            )
        )
    }

    @Test func whatComesLateIsToldAndChangesNothing() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            let site = Site()
            let agent = try await centre.agent("ALPHA") { job, _ in site.behaviour(job) }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 3)
            // Out of order: the given up attempt's manifest comes while another attempt has the job.
            try await centre.until("SELECT count(*) = 1 FROM attempt_view WHERE late_code IS NOT NULL")
            let first = try await Self.late(centre, request).first
            #expect(
                first
                    == "0 1 lost 9002 8214 its manifest came after it had ended as lost (9002), and attempt 2 has the job; its files are deleted"
            )
            site.won.insert([1])
            try await watch.finish(of: request)
            await watch.stop()
            site.won.insert([2])
            try await centre.until("SELECT count(*) = 3 FROM attempt_view WHERE late_code IS NOT NULL")
            let before = try await Self.late(centre, request)
            #expect(
                before[2]
                    == "1 1 lost 9002 8214 its manifest came after it had ended as lost (9002), and the job is done; its files are deleted"
            )
            #expect(before[3] == "1 2 done", "\(before)")

            let kept = site.manifests.withLockedValue { $0 }
            let task = try #require(kept.keys.first?.task)
            let winner = try #require(kept[AttemptKey(task: task, index: 1, attempt: 2)])
            var late = try #require(kept[AttemptKey(task: task, index: 1, attempt: 1)])
            late.sequence += 1
            var unknown = winner
            unknown.name.attempt = 7
            var foreign = winner
            foreign.name.token = OutgoingMessage.freshID()
            foreign.sequence = 99
            // The winner's twice, the late one once more, and three that are nobody's; then one of a new job, which is judged after them.
            try await centre.send([
                try Self.message(winner, from: "ALPHA"), try Self.message(winner, from: "ALPHA"),
                try Self.message(late, from: "ALPHA"), try Self.message(unknown, from: "ALPHA"),
                try Self.message(foreign, from: "ALPHA"), try Self.message(winner, from: "BETA"),
                try Self.message(late, from: "BETA"),
            ])
            running.cancel()
            _ = await running.result
            let next = try await centre.events(["request.#"])
            let honest = try await centre.agent("ALPHA", name: "two")
            let working = Task { try await honest.run() }
            let second = try await centre.approve(jobs: 1)
            try await next.finish(of: second)
            working.cancel()
            await next.stop()
            let after = try await Self.late(centre, request)
            #expect(after == before)

            // One verdict for each attempt that was lost, and none for what came late.
            let verdicts = try await centre.one(
                "SELECT array_agg(code::bigint ORDER BY index, attempt) FROM verdict_view",
                as: [Int64].self
            )
            #expect(verdicts == [9002, 9002, 9002])
            let garbage = try await centre.one(
                "SELECT count(*) FROM garbage WHERE lfn NOT LIKE '%.1.dat'",
                as: Int64.self
            )
            #expect(garbage == 0)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// A stranger's manifest with a higher number, in the same batch, must not take the place of the attempt's own.
    @Test func aForgedManifestDoesNotHideTheTrueOne() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "monitor", "transfer"]) { centre, processes in
            let watch = try await centre.events(["request.#"])
            let site = NIOLockedValueBox<FinishedItem?>(nil)
            let agent = try await centre.agent("ALPHA") { _, _ in
                .finishWith { item in
                    site.withLockedValue { $0 = item }
                    return item
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 1)
            // Nobody takes manifests yet: both wait in the queue, and are taken in one batch.
            try await centre.until("SELECT count(*) = 1 FROM attempt_view WHERE state = 'running'")
            var forged = try #require(site.withLockedValue { $0 })
            forged.sequence = 1000
            forged.name.token = OutgoingMessage.freshID()
            try await centre.send([try Self.message(forged, from: "BETA"), try Self.message(forged, from: "ALPHA")])
            processes.append(try await centre.start("bookkeeper"))
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let marks = try await centre.one(
                "SELECT count(*) FROM attempt_view WHERE late_code IS NOT NULL",
                as: Int64.self
            )
            let garbage = try await centre.one("SELECT count(*) FROM garbage", as: Int64.self)
            let attempts = try await centre.one("SELECT count(*) FROM attempt_view", as: Int64.self)
            #expect(marks == 0 && garbage == 0 && attempts == 1)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
