import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// One job, and many, through all processes: real binaries, real broker, real database, a payload that returns at once.
@Suite(.serialized) struct LifecycleTests {
    /// Runs `body` with a centre and an agent, and stops everything.
    static func withCentre(
        services: [String] = ["scheduler", "monitor", "bookkeeper", "transfer"],
        _ body: (TestCentre, inout [ServerProcess]) async throws -> Void
    ) async throws {
        let centre = try await TestCentre()
        var processes: [ServerProcess] = []
        for service in services { processes.append(try await centre.start(service)) }
        do {
            try await body(centre, &processes)
        } catch {
            for process in processes { _ = await process.terminate() }
            await centre.stop()
            throw error
        }
        for process in processes { _ = await process.terminate() }
        await centre.stop()
    }

    @Test func aRequestGoesThroughAllProcesses() async throws {
        try await Self.withCentre { centre, _ in
            let watch = try await centre.events()
            let agent = try await centre.agent("ALPHA")
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 25, merge: true)
            let seen = try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            Self.checkOrder(seen.map(\.event))
            #expect(
                Set(seen.map(\.key)).isSuperset(of: [
                    "attempt.ALPHA.leased", "attempt.ALPHA.done", "file.registered", "dataset.closed",
                ])
            )
            let done = try await centre.one(
                "SELECT sum(events_done)::bigint FROM task_view WHERE request = \(request)",
                as: Int64.self
            )
            #expect(done == 500)
            try await Self.expectNoViolations(centre)
        }
    }

    @Test func aPayloadThatFailsIsRetriedThenAborted() async throws {
        try await Self.withCentre { centre, _ in
            let watch = try await centre.events(["verdict.#", "task.#"])
            let agent = try await centre.agent("ALPHA") { _, _ in
                .fail([Failure(.payloadExit, "exit code 1 in step make")])
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 1)
            let seen = try await watch.until { _, event in event.entity.hasPrefix("task:") && event.to == "failed" }
            running.cancel()
            await watch.stop()
            #expect(
                seen.map(\.key).filter { $0.hasPrefix("verdict") } == [
                    "verdict.resubmit.ALPHA", "verdict.resubmit.ALPHA", "verdict.abort.ALPHA",
                ]
            )
            let rule = try await centre.one("SELECT rule FROM verdict_view WHERE action = 'abort'", as: String.self)
            #expect(rule == "payload")
            let state = try await centre.one(
                "SELECT state FROM request_view WHERE request = \(request)",
                as: String.self
            )
            #expect(state == "failed")
            try await Self.expectNoViolations(centre)
        }
    }

    @Test func aSiteFailureUsesUpNoAttempt() async throws {
        try await Self.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, _ in
                job.name.attempt <= 5 ? .fail([Failure(.nodeDisk, "no space left on /scratch")]) : .finish
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 3)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let failures = try await centre.one("SELECT sum(failures)::bigint FROM job_view", as: Int64.self)
            #expect(failures == 0)
            try await Self.expectNoViolations(centre)
        }
    }

    @Test func theBooksRefuseEventsOfAnotherJob() async throws {
        try await Self.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, _ in
                guard job.name.attempt == 1, job.name.index == 1 else { return .finish }
                return .finishWith { item in
                    var item = item
                    item.firstEvent = 0
                    return item
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 3)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let codes = try await centre.one(
                "SELECT array_agg(code::bigint ORDER BY index) FROM verdict_view",
                as: [Int64].self
            )
            #expect(codes == [8213])
            try await Self.expectNoViolations(centre)
        }
    }

    @Test func theBooksRefuseATruncatedManifest() async throws {
        try await Self.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, _ in
                guard job.name.attempt == 1 else { return .finish }
                return .finishWith { item in
                    var item = item
                    item.eventsRead -= 1
                    return item
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 2)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let codes = try await centre.one(
                "SELECT array_agg(code::bigint ORDER BY index) FROM verdict_view",
                as: [Int64].self
            )
            #expect(codes == [8203, 8203])
            try await Self.expectNoViolations(centre)
        }
    }

    /// Each service is killed with -9 in the middle and started again: nothing is lost, nothing is doubled.
    @Test(arguments: ["scheduler", "monitor", "bookkeeper"])
    func killingAServiceLosesNothing(_ victim: String) async throws {
        try await Self.withCentre { centre, processes in
            let watch = try await centre.events(["attempt.ALPHA.done", "request.#"])
            let agent = try await centre.agent("ALPHA")
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 2000)
            var done = 0
            _ = try await watch.until { key, _ in
                if key.hasPrefix("attempt") { done += 1 }
                return done > 300
            }
            let names = ["scheduler", "monitor", "bookkeeper", "transfer"]
            for (place, name) in names.enumerated() where name == victim {
                processes[place].signal(9)
                _ = await processes[place].waitForExit()
                processes[place] = try await centre.start(name, instance: "2")
            }
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let events = try await centre.one("SELECT sum(events)::bigint FROM accepted", as: Int64.self)
            #expect(events == 20_000)
            try await Self.expectNoViolations(centre)
        }
    }

    @Test func aSecondAgentTakesWorkAndOffersOfAStoppedOneComeBack() async throws {
        try await Self.withCentre { centre, _ in
            let watch = try await centre.events(["attempt.#", "request.#"])
            // The first agent asks and is gone before the work exists: its queue is gone with it.
            let gone = try await centre.agent("ALPHA", name: "gone", room: 8)
            let first = Task { try await gone.run() }
            try await centre.until("SELECT room = 8 FROM agent_session WHERE agent = 'gone'")
            first.cancel()
            _ = await first.result
            try await centre.untilGone(queue: Queue.agent(site: "ALPHA", agent: "gone"))
            let request = try await centre.approve(jobs: 8)
            _ = try await watch.until { key, event in
                key == "attempt.ALPHA.cancelled" && event.cause == "the offer came back"
            }
            let second = try await centre.agent("BETA")
            let running = Task { try await second.run() }
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let counted = try await centre.one("SELECT sum(failures)::bigint FROM job_view", as: Int64.self)
            #expect(counted == 0)
            try await Self.expectNoViolations(centre)
        }
    }

    @Test func tenMillionJobsWaitInAtMostSixteenRows() async throws {
        try await Self.withCentre(services: ["scheduler"]) { centre, _ in
            _ = try await centre.approve(jobs: 10_000_000)
            try await centre.until("SELECT count(*) > 0 FROM waiting")
            let rows = try await centre.one("SELECT count(*) FROM waiting", as: Int64.self)
            let jobs = try await centre.one("SELECT sum(last - first + 1)::bigint FROM waiting", as: Int64.self)
            #expect(rows == 16)
            #expect(jobs == 10_000_000)
        }
    }

    // MARK: What must always hold

    static func checkOrder(_ events: [EventItem]) {
        var versions: [String: Int64] = [:]
        for event in events where !event.entity.hasPrefix("file:") {
            if let last = versions[event.entity] { #expect(event.version > last, "\(event.entity)") }
            versions[event.entity] = event.version
        }
    }

    static func expectNoViolations(_ centre: TestCentre) async throws {
        for diagnosis in try await Doctor.examine(centre.database) {
            #expect(diagnosis.violations == 0, "\(diagnosis.invariant): \(diagnosis.text): \(diagnosis.examples)")
        }
    }
}
