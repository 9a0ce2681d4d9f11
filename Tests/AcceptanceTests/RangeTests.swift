import Catalog
import Domain
import Foundation
import Messages
import Postgres
import SimulatedSite
import Testing

/// The books take only the events of the job: what manifests tell of them, through all processes.
@Suite(.serialized) struct RangeTests {
    /// Six jobs that make events, and merges of three of their files each.
    private static let workflow = MadeAndMerged.workflow("ranged", jobs: 6, filesPerMerge: 3)

    /// What an honest payload tells.
    private static func ranges(_ job: OfferedJob) -> [EventRange] {
        guard !job.inputs.isEmpty else { return [EventRange(first: job.firstEvent, events: job.events)] }
        return job.inputs.map { EventRange(lfn: $0.lfn, first: 0, events: $0.events) }
    }

    /// What a first attempt tells instead, by the number of its job.
    private static func wrong(_ job: OfferedJob) -> [EventRange] {
        var ranges = Self.ranges(job)
        switch (job.inputs.isEmpty, job.name.index % 6) {
        case (true, 0): ranges[0].first = job.firstEvent + 1
        case (true, 1): ranges[0].events -= 1
        case (true, 2): ranges.append(ranges[0])
        case (true, 3): ranges[0].lfn = "/no/input"
        case (true, 4): ranges = []
        case (true, _): break
        case (false, 0): ranges.removeLast()
        case (false, _): ranges[1] = ranges[0]
        }
        return ranges
    }

    @Test func eachKindOfForeignEventsIsRefusedAndTheHonestOnesAreAccepted() async throws {
        let config = "monitor:\n  brakes: {failureShare: 1, dominantShare: 1, minJobs: 1000000}\n"
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper", "transfer"]) { centre, processes in
            processes.append(try await centre.start("monitor", config: config))
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, _ in
                .finishWith { item in
                    var item = item
                    item.ranges = job.name.attempt == 1 ? Self.wrong(job) : Self.ranges(job)
                    return item
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(Self.workflow)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let refused = try await centre.database.query(
                Statement(
                    "test",
                    """
                    SELECT concat_ws(' ', t.name, v.index, v.code, v.blame) FROM verdict_view v JOIN task_view t ON t.task = v.task
                    ORDER BY t.task, v.index, v.attempt
                    """,
                    returning: String.self
                )
            )
            #expect(
                refused == [
                    "generate 0 8213 payload", "generate 1 8213 payload", "generate 2 8213 payload",
                    "generate 3 8213 payload", "generate 4 8213 payload", "merge 0 8213 payload",
                    "merge 1 8213 payload",
                ]
            )
            // The one that told the truth at once, and all others the second time.
            let attempts = try await centre.one(
                "SELECT array_agg(winner::bigint ORDER BY task, index) FROM job_view",
                as: [Int64].self
            )
            #expect(attempts == [2, 2, 2, 2, 2, 1, 2, 2])
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// A payload of a few lines that tells of each input by its path, the first time of the first only.
    private static let script = #"""
        ranges=; for file in "$@"; do
            ranges="$ranges,{\"input\":\"$file\",\"first_event\":0,\"events\":10}"
            [ $MILLRACE_ATTEMPT = 1 ] && break
        done
        echo "{\"events_read\":30,\"ranges\":[$(echo "$ranges" | cut -c2-)],\"outputs\":{\"all\":{\"events\":30}}}" > $MILLRACE_REPORT
        echo merged > all.dat
        """#

    @Test func aRealAgentPassesOnWhatItsPayloadTellsOfEachInput() async throws {
        try await LifecycleTests.withCentre { centre, processes in
            let watch = try await centre.events(["request.#"])
            processes.append(try await centre.startAgent("ALPHA"))
            let generate = #"""
                echo $MILLRACE_INDEX > gen.dat
                echo "{\"ranges\":[{\"first_event\":$MILLRACE_FIRST_EVENT,\"events\":10}],\"outputs\":{\"gen\":{\"events\":10}}}" > $MILLRACE_REPORT
                """#
            var workflow = Self.workflow
            workflow.tasks[0].events = "30"
            workflow.tasks[0].steps = [StepTemplate(name: "make", command: ["/bin/sh", "-c", generate])]
            workflow.tasks[1].steps = [
                StepTemplate(name: "merge", command: ["/bin/sh", "-c", Self.script, "merge", "${inputs}"])
            ]
            let request = try await centre.approve(workflow)
            try await watch.finish(of: request)
            await watch.stop()
            let refused = try await centre.database.query(
                Statement(
                    "test",
                    """
                    SELECT t.name || ' ' || v.attempt || ' ' || v.code || ': ' || (a.failures #>> '{}')
                    FROM verdict_view v JOIN task_view t ON t.task = v.task
                    JOIN attempt a ON a.task = v.task AND a.index = v.index AND a.attempt = v.attempt
                    """,
                    returning: String.self
                )
            )
            #expect(refused.count == 1)
            let told = refused.first ?? ""
            #expect(told.hasPrefix("merge 1 8213: "), "\(told)")
            #expect(told.components(separatedBy: "events 0 to 9 of /").count == 3, "\(told)")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }
}
