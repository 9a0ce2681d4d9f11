import Catalog
import Domain
import Messages
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Jobs that need too much are replaced by smaller ones, through all processes; no event is lost or made twice.
@Suite(.serialized) struct SplitTests {
    /// Does what an agent does with events: notes which ones each finished job had.
    private final class Events: Sendable {
        private let seen = NIOLockedValueBox<[String: [Int64]]>([:])

        func note(_ job: OfferedJob) {
            let place = job.inputs.first?.lfn ?? "task"
            self.seen.withLockedValue {
                $0[place, default: []] += Array(job.firstEvent..<(job.firstEvent + job.events))
            }
        }

        var all: [String: [Int64]] { self.seen.withLockedValue { $0.mapValues { $0.sorted() } } }
    }

    /// So many of them fail that the task would be paused for the wall time it lost.
    private static let withoutBrakes =
        "monitor:\n  brakes: {failureShare: 1, dominantShare: 1, minJobs: 1000000, minFailures: 1000000}\n"

    private static func withCentre(_ body: (TestCentre) async throws -> Void) async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper", "transfer"]) { centre, processes in
            processes.append(try await centre.start("monitor", config: self.withoutBrakes))
            try await body(centre)
        }
    }

    /// 8 jobs of 100 events each, then a task that reads them 100 at a time. More than 30 events fill the disk.
    @Test func jobsAreDividedUntilTheyFitAndEveryEventIsThereOnce() async throws {
        try await Self.withCentre { centre in
            let (made, read) = (Events(), Events())
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, task in
                guard job.events <= 30 else {
                    return .fail([Failure(.diskBatch, "removed: disk usage above the limit with \(job.events) events")])
                }
                (task.name == "generate" ? made : read).note(job)
                return .finish
            }
            let running = Task { try await agent.run() }
            let request = try await Self.approve(centre)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            #expect(made.all == ["task": Array(0..<800)])
            #expect(read.all.count == 32 && read.all.values.allSatisfy { $0 == Array(0..<25) })
            let tasks = try await centre.database.query(
                Statement(
                    "test.tasks",
                    "SELECT name, jobs_total, jobs_done, events_done FROM task_view ORDER BY task",
                    returning: String.self,
                    Int64.self,
                    Int64.self,
                    Int64.self
                )
            )
            // 8 became 16 became 32: all of them count in the total.
            #expect(tasks.first.map { [$0.1, $0.2, $0.3] } == [56, 32, 800])
            #expect(tasks.last.map { [$0.1, $0.2, $0.3] } == [32, 32, 800])
            let cause = try await centre.one(
                "SELECT reason FROM job_view WHERE index = 0 ORDER BY task LIMIT 1",
                as: String.self
            )
            #expect(cause?.contains("its events went to jobs ") == true, "\(cause ?? "")")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// The same for jobs that read files: the slices are divided.
    @Test func slicesOfFilesAreDivided() async throws {
        try await Self.withCentre { centre in
            let read = Events()
            let watch = try await centre.events(["request.#"])
            let agent = try await centre.agent("ALPHA") { job, task in
                guard task.name == "process" else { return .finish }
                guard job.events <= 40 else { return .fail([Failure(.diskBatch, "removed: disk usage")]) }
                read.note(job)
                return .finish
            }
            let running = Task { try await agent.run() }
            let request = try await Self.approve(centre)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            #expect(read.all.count == 8 && read.all.values.allSatisfy { $0 == Array(0..<100) })
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// What a job was given because it failed it keeps when it is divided: its parts have it at their first try and when they fail, and count
    /// in the class with which they ran.
    @Test func partsKeepTheMemoryOfTheirJob() async throws {
        try await Self.withCentre { centre in
            let watch = try await centre.events(["request.#"])
            let given = NIOLockedValueBox<[Int]>([])
            let agent = try await centre.agent("ALPHA") { job, description in
                let (index, attempt) = (job.name.key.index, job.name.attempt)
                let memory = job.requirement(of: description).memoryMB
                if index >= 8 { given.withLockedValue { $0.append(memory) } }
                switch (index, attempt) {
                case (0, 1...2): return .fail([Failure(.memory, "used 3900 MB, the limit is \(memory) MB")])
                case (0, _): return .fail([Failure(.diskBatch, "removed: disk usage")])
                case (8..., 1): return .fail([Failure(.memory, "chance")])
                default: return .finish
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(WorkflowDocument(name: "split", tasks: [Self.generate]))
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let memory = given.withLockedValue { $0 }
            #expect(memory.count == 4 && memory.allSatisfy { $0 > 2000 }, "\(memory)")
            let others = try await centre.one(
                """
                SELECT count(*) FROM attempt a JOIN job j ON j.task = a.task AND j.index = a.index
                JOIN job w ON w.task = j.task AND w.index = 0
                WHERE j.split_from = 0 AND (j.class IS DISTINCT FROM w.class OR a.leased_class IS DISTINCT FROM w.class)
                """,
                as: Int64.self
            )
            #expect(others == 0)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    private static let generate = TaskTemplate(
        name: "generate",
        kind: "generate",
        events: "800",
        eventsPerJob: "100",
        steps: [StepTemplate(name: "make", command: ["true"])],
        outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
        maxAttempts: "6"
    )

    private static func approve(_ centre: TestCentre) async throws -> Int64 {
        try await centre.approve(
            WorkflowDocument(
                name: "split",
                tasks: [
                    Self.generate,
                    TaskTemplate(
                        name: "process",
                        kind: "process",
                        eventsPerJob: "100",
                        inputs: [InputTemplate(task: "generate", stream: "gen")],
                        steps: [StepTemplate(name: "read", command: ["true"])],
                        outputs: [OutputTemplate(stream: "out", file: "out.dat")]
                    ),
                ]
            )
        )
    }
}
