import Catalog
import Domain
import Messages
import Postgres
import SimulatedSite
import TestSupport
import Testing

/// Each way in which a manifest can be wrong, through all processes: refused with its code, judged like any failure, and made good.
@Suite struct RefusalTests {
    /// Twelve jobs that make events, and merges of six of their files each.
    private static let workflow = MadeAndMerged.workflow("refused", jobs: 12, filesPerMerge: 6)

    /// What an honest agent says, and what a first attempt says instead, by the number of its job.
    private static func spoil(_ honest: FinishedItem, isMerge: Bool) -> FinishedItem {
        var item = honest
        guard item.name.key.attempt == 1, let file = item.outputs.first else { return item }
        switch (isMerge, item.name.key.index) {
        case (false, 0): item.outputs = []
        case (false, 1): item.outputs.append(ManifestOutput(stream: "surprise", events: 0))
        case (false, 2): item.eventsRead -= 1
        case (false, 3): item.outputs[0].adler32 = "0000000G"
        case (false, 4): item.outputs[0].bytes = 0
        case (false, 5): item.outputs[0].events = 0
        case (false, 6): item.outputs[0].lfn = Self.accepted
        case (false, 7): item.outputs[0].storage = "NOWHERE"
        case (false, 9): item.outputs.append(file)
        case (false, 10): item.outputs[0].crc32c = nil
        case (true, 0): item.outputs[0].events -= 1
        default: break
        }
        return item
    }

    /// Of the last job, whose first attempt wins.
    private static let accepted = "/1/generate/gen/0/1.11.1.dat"
    /// Job 8 is honest, and its name is in the books already: nothing of ours does that.
    private static let taken = "/1/generate/gen/0/1.8.1.dat"

    /// Nobody tells the Bookkeeper of it: there may be several, and one of them is told.
    @Test func aStorageElementThatWasJustAddedIsKnown() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "monitor", "bookkeeper"]) { centre, _ in
            let isAdded = Gathered()
            let agent = try await centre.agent("ALPHA") { job, _ in
                guard job.name.index == 1 else { return .finish }
                return .until(
                    { await isAdded.more(than: 0) },
                    .finishWith { item in
                        var item = item
                        item.outputs[0].storage = "NEW-DISK"
                        return item
                    }
                )
            }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 2)
            try await centre.until("SELECT count(*) = 1 FROM winner")
            let operations = Operations(centre.database, caller: centre.caller)
            _ = try await operations.addStorage(
                "NEW-DISK",
                site: nil,
                kind: "posix",
                base: "\(centre.folder)/HOME-DISK",
                limit: 4
            )
            isAdded.insert([1])
            try await centre.until("SELECT (SELECT count(*) FROM winner) + (SELECT count(*) FROM verdict) = 2")
            running.cancel()
            #expect(try await centre.one("SELECT count(*) FROM verdict", as: Int64.self) == 0)
        }
    }

    /// No policy of the Bookkeeper sees what is wrong with the manifests of one request, but a rule of the catalogue does: they are refused, and
    /// the others, which come with them, are accepted.
    @Test func whatTheCatalogueRefusesKeepsNoOtherOut() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            let isClosed = Gathered()
            let agent = try await centre.agent("ALPHA") { _, _ in .until({ await isClosed.more(than: 0) }, .finish) }
            let running = Task { try await agent.run() }
            let bad = try await centre.approve(jobs: 1, name: "bad")
            let good = try await centre.approve(jobs: 20, name: "good")
            try await centre.until("SELECT count(*) = 21 FROM lease WHERE state = 'running'")
            // Nothing of ours closes a dataset while its task runs.
            try await centre.database.withTransaction {
                try await $0.execute([
                    "SELECT set_config('session_replication_role', 'replica', true)",
                    """
                    UPDATE dataset SET state = 'closed', closed = now()
                    WHERE task IN (SELECT id FROM task WHERE request = \(bad))
                    """,
                ])
            }
            isClosed.insert([1])
            try await watch.finish(of: good)
            try await centre.until("SELECT count(*) > 0 FROM verdict")
            running.cancel()
            await watch.stop()
            let verdicts = try await centre.database.query(
                Statement(
                    "test",
                    "SELECT concat_ws(' ', t.request, v.code, v.diagnostic) FROM verdict_view v JOIN task t ON t.id = v.task",
                    returning: String.self
                )
            )
            #expect(verdicts.count == 1)
            #expect(
                verdicts.first?.hasPrefix("\(bad) 8211 the catalogue refuses it: database: ") == true,
                "\(verdicts)"
            )
        }
    }

    /// What two attempts used cannot be: the one whose manifest is wrong besides is refused for that, the other is accepted, and so is what
    /// comes behind them.
    @Test func usageThatCannotBeKeepsNobodyOut() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "monitor", "transfer"]) { centre, processes in
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, _ in
                guard job.name.attempt == 1, job.name.index < 2 else { return .finish }
                let isWrong = job.name.index == 0
                return .finishWith { item in
                    var item = item
                    if isWrong {
                        item.eventsRead -= 1
                        item.usage = Usage(cpuSeconds: -1, wallSeconds: -1, memoryPeak: -1)
                    } else {
                        item.usage = Usage(cpuSeconds: 1e300, wallSeconds: 1e17, memoryPeak: .max)
                    }
                    return item
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 3)
            // Nobody takes manifests yet: they are taken in one batch.
            try await centre.until("SELECT count(*) = 3 FROM lease WHERE state = 'running'")
            processes.append(try await centre.start("bookkeeper"))
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let attempts = try await centre.database.query(
                Statement(
                    "test",
                    """
                    SELECT concat_ws(' ', index, attempt, state, code, cpu_seconds, wall_seconds, memory_peak)
                    FROM attempt_view ORDER BY index, attempt
                    """,
                    returning: String.self
                )
            )
            #expect(
                attempts == [
                    "0 1 failed 8203 0 0 0", "0 2 done 0 0 0", "1 1 done 315360000 315360000 1125899906842624",
                    "2 1 done 0 0 0",
                ]
            )
            let verdicts = try await centre.one("SELECT array_agg(code::bigint) FROM verdict_view", as: [Int64].self)
            #expect(verdicts == [8203])
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// Of four that come together the first can neither be accepted nor refused, and the second only be refused without what it used: it is,
    /// and the others are accepted.
    @Test func whatCannotEvenBeRefusedKeepsNoOtherOut() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "monitor"]) { centre, processes in
            // Nothing of ours has such rules.
            try await centre.database.execute([
                "ALTER TABLE attempt ADD CONSTRAINT never_ends CHECK (index <> 0 OR state IS NULL)",
                "ALTER TABLE attempt ADD CONSTRAINT is_short CHECK (wall_seconds < 1000)",
            ])
            let agent = try await centre.agent("ALPHA") { job, _ in
                guard job.name.index == 1, job.name.attempt == 1 else { return .finish }
                return .finishWith { item in
                    var item = item
                    item.usage.wallSeconds = 5000
                    return item
                }
            }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 4)
            try await centre.until("SELECT count(*) = 4 FROM lease WHERE state = 'running'")
            processes.append(try await centre.start("bookkeeper"))
            try await centre.until("SELECT count(*) = 2 FROM winner WHERE index IN (2, 3)")
            try await centre.until("SELECT count(*) = 1 FROM verdict WHERE index = 1 AND attempt = 1")
            running.cancel()
            let refused = try await centre.one(
                "SELECT concat_ws(' ', state, code, cpu_seconds, wall_seconds, memory_peak) FROM attempt WHERE index = 1 AND attempt = 1",
                as: String.self
            )
            #expect(refused == "failed 8211")
            let ended = try await centre.one(
                "SELECT count(*) FROM attempt WHERE index = 0 AND state IS NOT NULL",
                as: Int64.self
            )
            #expect(ended == 0)
        }
    }

    @Test func eachIsRefusedWithItsCodeAndMadeGood() async throws {
        let config = "monitor:\n  brakes: {failureShare: 1, dominantShare: 1, minJobs: 1000000}\n"
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper", "transfer"]) { centre, processes in
            processes.append(try await centre.start("monitor", config: config))
            try await centre.database.execute(
                """
                INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES (\(Self.taken), 1, '00000001', '00000001', 10)
                """
            )
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, _ in
                .finishWith { Self.spoil($0, isMerge: !job.inputs.isEmpty) }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(Self.workflow)
            try #require(request == 1)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let refused = try await centre.database.query(
                Statement(
                    "test",
                    """
                    SELECT concat_ws(' ', t.name, v.index, v.code, v.class, v.blame, v.action)
                    FROM verdict_view v JOIN task_view t ON t.task = v.task ORDER BY t.task, v.index, v.attempt
                    """,
                    returning: String.self
                )
            )
            let ours = "output and bookkeeping"
            #expect(
                refused == [
                    "generate 0 8201 \(ours) payload resubmit", "generate 1 8202 \(ours) payload resubmit",
                    "generate 2 8203 \(ours) payload resubmit", "generate 3 8204 \(ours) infrastructure resubmit",
                    "generate 4 8205 \(ours) infrastructure resubmit",
                    "generate 5 8205 \(ours) infrastructure resubmit",
                    "generate 6 8206 \(ours) infrastructure resubmit", "generate 7 8207 \(ours) site resubmit",
                    "generate 8 8209 \(ours) infrastructure resubmit", "generate 9 8202 \(ours) payload resubmit",
                    "generate 10 8204 \(ours) infrastructure resubmit", "merge 0 8208 \(ours) payload resubmit",
                ]
            )
            // All jobs but the last of each task needed a second attempt, and nothing is missing or counted twice.
            let attempts = try await centre.one(
                "SELECT array_agg(winner::bigint ORDER BY task, index) FROM job_view",
                as: [Int64].self
            )
            #expect(attempts == Array(repeating: 2, count: 11) + [1, 2, 1])
            let events = try await centre.one(
                "SELECT array_agg(events_done ORDER BY task) FROM task_view",
                as: [Int64].self
            )
            #expect(events == [120, 120])
            // A refused manifest has none deleted but its attempt's own files.
            let foreign = try await centre.one(
                "SELECT count(*) FROM garbage WHERE lfn = \(Self.accepted)",
                as: Int64.self
            )
            #expect(foreign == 0)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
