import AMQP
import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import SimulatedSite
import TestSupport
import Testing

/// What is done about failures, through all processes.
@Suite(.serialized) struct FailureTests {
    /// Memory has a random component: the first failure is tried again as it was, then the job climbs the ladder.
    @Test func aJobThatNeedsMoreMemoryGetsIt() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            let given = NIOLockedValueBox<[Int]>([])
            let agent = try await centre.agent("ALPHA") { job, description in
                let memory = job.requirement(of: description).memoryMB
                given.withLockedValue { $0.append(memory) }
                return memory >= 4000 ? .finish : .fail([Failure(.memory, "used 3900 MB, the limit is \(memory) MB")])
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 1, maxAttempts: 6)
            _ = try await watch.until { key, _ in
                key == "request.\(request).finished" || key == "request.\(request).failed"
            }
            running.cancel()
            await watch.stop()
            let ladder = given.withLockedValue { $0 }
            #expect(ladder.first == 2000 && ladder.last == 4000 && ladder == ladder.sorted(), "\(ladder)")
            let changes = try await centre.one(
                "SELECT count(*) FROM verdict_view WHERE (changes ->> 'memoryMB')::int > 2000",
                as: Int64.self
            )
            #expect(changes ?? 0 >= 1)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// The only copy of a file is not condemned on one symptom; the second is noted, with who could not read it.
    @Test func anInputThatCannotBeReadIsReportedAtItsSecondSymptom() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            // Without the pauses before the next try.
            try await centre.database.execute("UPDATE failure_rule SET parameters = parameters - 'pauseSeconds'")
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, task in
                guard task.name == "merge", job.name.attempt <= 2, let input = job.inputs.first else { return .finish }
                return .fail([Failure(.inputMissing, "\(input.lfn) is not on HOME-DISK")])
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 3, merge: true)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let suspected = try await centre.database.query(
                Statement(
                    "test.suspected",
                    "SELECT f.lfn, s.attempt FROM suspicion s JOIN file f ON f.id = s.file",
                    returning: String.self,
                    Int32.self
                )
            )
            #expect(suspected.count == 1 && suspected.first?.1 == 2, "\(suspected)")
            let first = try await centre.one(
                "SELECT lfn FROM file_view WHERE index = 0 ORDER BY created LIMIT 1",
                as: String.self
            )
            #expect(suspected.first?.0 == first, "of the three files it reads, the one that the failure names")
        }
    }

    /// A rule that says it is the site's fault makes the failure weigh more when black holes are looked for.
    @Test func aStrikeWeighsMoreThanAFailure() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, _ in
                job.name.attempt > 1
                    ? .finish
                    : .fail([
                        job.name.index == 0
                            ? Failure(.softwareRelease, "no release 2") : Failure(.wrapperCrashed, "gone")
                    ])
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 2)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let site = try await centre.one(
                "SELECT sum(failed)::bigint FROM place_tally WHERE node = ''",
                as: Int64.self
            )
            let nodes = try await centre.one(
                "SELECT sum(failed)::bigint FROM place_tally WHERE node <> ''",
                as: Int64.self
            )
            #expect(site == 4 && nodes == 2)
        }
    }

    /// A rule that is added while the farm runs decides the next failure; one only observed is noted and decides nothing.
    @Test func aRuleIsChangedWhileTheFarmRuns() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["verdict.#", "task.#"])
            let agent = try await centre.agent("ALPHA") { _, _ in .fail([Failure(.nodeSpawn, "fork failed")]) }
            let running = Task { try await agent.run() }
            let operations = Operations(centre.database, caller: centre.caller)
            let seen = RuleDraft(
                kind: "action",
                name: "watched",
                priority: 1,
                firstCode: 5002,
                lastCode: 5002,
                action: "abort",
                state: "observed"
            )
            try await centre.carryOut(operations.addRule(seen, expires: nil))
            _ = try await centre.approve(jobs: 1)
            _ = try await watch.until { key, _ in key.hasPrefix("verdict.resubmit") }
            try await centre.carryOut(operations.setRule("watched", active: true))
            _ = try await watch.until { key, _ in key.hasPrefix("verdict.abort") }
            running.cancel()
            await watch.stop()
            let rule = try await centre.one("SELECT rule FROM verdict_view WHERE action = 'abort'", as: String.self)
            #expect(rule == "watched")
            let observed = try await centre.one(
                "SELECT count(*) FROM verdict_view WHERE action = 'resubmit' AND 'watched' = ANY(observed)",
                as: Int64.self
            )
            #expect(observed ?? 0 >= 1)
        }
    }

    /// A failure can concern more than its job: a rule pauses the task, or aborts it.
    @Test(arguments: ["pause", "abort"])
    func aRuleStopsTheWholeTask(_ measure: String) async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            let rule = RuleDraft(
                kind: "action",
                name: "stop",
                priority: 1,
                pattern: "geometry",
                action: "resubmit",
                parameters: ["task": .text(measure)]
            )
            try await centre.carryOut(operations.addRule(rule, expires: nil))
            let watch = try await centre.events(["task.#"])
            let agent = try await centre.agent("ALPHA", room: 4) { _, _ in
                .fail([Failure(.payloadExit, "exit code 2: geometry overlaps")])
            }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 100, maxAttempts: 10)
            let wanted = measure == "pause" ? "paused" : "aborted"
            _ = try await watch.until { _, event in event.to == wanted }
            running.cancel()
            await watch.stop()
            // What ran when it was stopped may have failed as well; nothing was leased after it.
            let attempts = try await centre.one("SELECT count(*) FROM attempt", as: Int64.self)
            #expect(attempts ?? 100 < 100)
        }
    }
}
