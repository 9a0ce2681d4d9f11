import Catalog
import Domain
import Foundation
import Postgres
import PrivateServers
import SimulatedSite
import Testing

/// What was produced is counted, exported and archived, through all processes.
@Suite(.serialized) struct HistoryTests {
    /// A request of 600 jobs and a merge is archived by two operators at once while the Bookkeeper is killed, and restored: production,
    /// tracker and files say the same all the time, the rows come back as they were, and every attempt is in the lineage.
    @Test func whatIsArchivedIsStillCountedAndComesBack() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "monitor", "transfer"]) { centre, processes in
            let path = "\(centre.folder)/runs.jsonl"
            let config = "bookkeeper: {sweep: 1s, lineage: {file: \(path), every: 1s}}"
            processes.append(try await centre.start("bookkeeper", config: config))
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA", room: 300)
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 600, merge: true)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let done: SQL = "SELECT sum(jobs_done)::bigint FROM production_view"
            #expect(try await centre.one(done, as: Int64.self) == 601)
            #expect(try await centre.one("SELECT sum(events)::bigint FROM production_view", as: Int64.self) == 12_000)
            try await LifecycleTests.expectNoViolations(centre)
            let before = try await Self.rows(centre)

            let operations = Operations(centre.database, caller: centre.caller)
            async let first = operations.archive(request: request, reason: nil)
            async let second = operations.archive(request: request, reason: nil)
            let outcomes = try await [first, second]
            #expect(outcomes.filter(\.changed).count == 1, "\(outcomes.map(\.lines))")
            for outcome in outcomes { try await centre.carryOut(outcome) }
            processes.removeLast().killAndWait()
            processes.append(try await centre.start("bookkeeper", config: config))
            try await centre.until("SELECT bool_and(state = 'archived') AND count(*) = 2 FROM archived_task")
            #expect(try await centre.one("SELECT count(*) FROM job", as: Int64.self) == 0)
            #expect(try await centre.one("SELECT count(*) FROM attempt", as: Int64.self) == 0)
            #expect(try await centre.one(done, as: Int64.self) == 601)
            #expect(try await centre.one("SELECT count(*) FROM file_view", as: Int64.self) == 601)
            try await LifecycleTests.expectNoViolations(centre)
            // The archive waited for the export, so nothing is missing in it.
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            #expect(Set(lines).count == 601)

            try await centre.carryOut(try await operations.restore(request: request, reason: nil))
            try await centre.until("SELECT count(*) = 0 FROM archived_task")
            #expect(try await Self.rows(centre) == before)
            try await LifecycleTests.expectNoViolations(centre)

            // By itself, since it ended (or was restored) longer ago than it may stay.
            processes.removeLast().killAndWait()
            processes.append(try await centre.start("bookkeeper", config: "bookkeeper: {sweep: 1s, archiveAfter: 1s}"))
            try await centre.until(
                "SELECT bool_and(state = 'archived' AND who = 'bookkeeper') AND count(*) = 2 FROM archived_task"
            )
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// A checksum of each table whose rows are archived.
    private static func rows(_ centre: TestCentre) async throws -> [String?] {
        [
            try await centre.one("SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM job x", as: String.self),
            try await centre.one(
                "SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM attempt x",
                as: String.self
            ),
            try await centre.one(
                "SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM output x",
                as: String.self
            ),
            try await centre.one(
                "SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM winner x",
                as: String.self
            ),
            try await centre.one(
                "SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM accepted x",
                as: String.self
            ),
            try await centre.one(
                "SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM unit_input x",
                as: String.self
            ),
            try await centre.one(
                "SELECT md5(string_agg(x::text, ',' ORDER BY x::text)) FROM merge_input x",
                as: String.self
            ),
        ]
    }
}
