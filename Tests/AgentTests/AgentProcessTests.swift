import Domain
import Glibc
import Messages
import PrivateServers
import TestSupport
import Testing

@testable import Agent

@Suite("An agent at a broker", .serialized, .timeLimit(.minutes(15)))
struct AgentProcessTests {
    @Test("asks, runs what it is offered, stores the output and reports it with its manifest")
    func finishes() async throws {
        try await Centre.with { centre in
            try await AgentProcess.with(centre) { _ in
                let work = try await centre.first(WorkItem.self)
                #expect(work.room == 2 && work.question == 1 && work.capacity.storage == ["DISK"])
                #expect(work.taken == 0 && work.queue == 1)
                let script = "env > env.txt; cat box.txt; echo millrace metric speed=3;" + Sample.rangedScript
                let description = Sample.description(
                    steps: [Sample.step("one", script)],
                    outputs: [Sample.output(), Sample.output("env", file: "env.txt", counted: false)],
                    sandbox: [SandboxFile(name: "box.txt", text: "hello\n")]
                )
                try await centre.offer(work, [description], [Sample.job()])
                let running = try await centre.first(RunningItem.self)
                #expect(running.step == "one" && running.sequence == 1 && running.name == Sample.job().name)
                #expect(running.submission == nil && running.batchID == nil)
                let finished = try await centre.first(FinishedItem.self)
                #expect(finished.sequence == 2 && finished.eventsRead == 10)
                #expect(finished.ranges == [EventRange(first: 100, events: 10)])
                #expect(finished.steps.map(\.exitCode) == [0])
                let main = try #require(finished.outputs.first)
                let lfn = description.lfn(Sample.output(), Sample.job().name.key)
                #expect(main.lfn == lfn && main.bytes == 13 && main.events == 10 && main.storage == "DISK")
                #expect(FileTree.size(centre.path("se") + lfn) == 13)
                let env = centre.path("se") + (finished.outputs[1].lfn ?? "")
                let text = String(decoding: FileTree.read(env, limit: 10_000) ?? [], as: UTF8.self)
                #expect(text.contains("MILLRACE_SEED=42\n") && !text.contains("SECRET") && !text.contains("amqp"))
                let log = FileTree.read(centre.path("work/logs/7.0.1.log"), limit: 10_000) ?? []
                #expect(String(decoding: log, as: UTF8.self).contains("hello\n"))
                _ = try await centre.first(HeartbeatItem.self) { $0.held.count == 0 }
                // A freed slot is asked for again, with a newer question.
                _ = try await centre.first(WorkItem.self) { $0.question > 1 && $0.room == 2 }
            }
            let last = try await centre.first(HeartbeatItem.self) { !$0.staying }
            #expect(last.held.count == 0)
        }
    }

    @Test("says what is wrong with each kind of failing job")
    func failures() async throws {
        let kinds = FailingJob.all(mark: Self.mark)
        try await Centre.with { centre in
            try await AgentProcess.with(centre) { _ in
                let work = try await centre.first(WorkItem.self)
                let descriptions = kinds.enumerated().map { number, kind in
                    Sample.description(task: Int64(number), steps: kind.steps, requirement: kind.requirement)
                }
                try await centre.offer(work, descriptions, descriptions.map { Sample.job(task: $0.task) })
                for (number, kind) in kinds.enumerated() {
                    let failed = try await centre.first(FailedItem.self) { $0.name.task == number }
                    #expect(failed.failures.map(\.code) == kind.codes, "\(kind.name): \(failed.failures)")
                    #expect(failed.failures.allSatisfy { $0.source != nil }, "\(kind.name)")
                    let words = failed.failures.first?.diagnostic ?? ""
                    if let expected = kind.words { #expect(words == expected) }
                    #expect(failed.steps.last?.exitCode == kind.exitCode, "\(kind.name)")
                    #expect(failed.steps.last?.signal == kind.signal, "\(kind.name)")
                }
                #expect(access(Self.mark, F_OK) == 0)
            }
        }
        unlink(Self.mark)
    }

    @Test("ends a job that hangs, and neither one that writes nor one that computes meanwhile")
    func looping() async throws {
        try await Centre.with { centre in
            try await AgentProcess.with(centre, slots: 3, yaml: "loopingSeconds: 5\n") { _ in
                let work = try await centre.first(WorkItem.self)
                let go = centre.path("go")
                let hanging = "setsid sleep 1000 & sleep 1000"
                let writing = "while [ ! -e \(go) ]; do echo more; sleep 0.3; done;" + Sample.goodScript
                let computing = "while [ ! -e \(go) ]; do :; done;" + Sample.goodScript
                let descriptions = [hanging, writing, computing].enumerated().map { number, script in
                    Sample.description(task: Int64(number), steps: [Sample.step("one", script)])
                }
                try await centre.offer(work, descriptions, descriptions.map { Sample.job(task: $0.task) })
                let failed = try await centre.first(FailedItem.self)
                #expect(failed.name.task == 0 && failed.failures.map(\.code) == [FailureCode.looping.rawValue])
                let words = failed.failures[0].diagnostic
                #expect(words.contains("wrote nothing for") && words.contains("sleep (S"), "\(words)")
                try FileTree.write("", to: go)
                for task: Int64 in [1, 2] { _ = try await centre.first(FinishedItem.self) { $0.name.task == task } }
                #expect(try await centre.all(FailedItem.self).count == 1)
            }
        }
    }

    @Test("in a batch job that is told to end, says that the batch system ended it")
    func batch() async throws {
        try await Centre.with { centre in
            let environment = [
                "SLURM_JOB_ID": "77", "SLURM_ARRAY_JOB_ID": "70", "SLURM_ARRAY_TASK_ID": "7",
                "SLURM_CLUSTER_NAME": "hpc",
            ]
            try await AgentProcess.with(centre, environment: environment) { _ in
                let work = try await centre.first(WorkItem.self)
                let step = Sample.step("one", "sleep 1000")
                try await centre.offer(work, [Sample.description(steps: [step])], [Sample.job()])
                let running = try await centre.first(RunningItem.self)
                #expect(running.submission == "slurm:hpc:70" && running.batchID == "70_7")
            }
            let failed = try await centre.first(FailedItem.self)
            #expect(failed.failures.map(\.code) == [FailureCode.batchRemoved.rawValue])
            #expect(failed.failures[0].diagnostic.contains("slurm job 77"))
            #expect(failed.submission == "slurm:hpc:70" && failed.batchID == "70_7")
        }
    }

    private static let mark = "/tmp/millrace-rescue-\(getpid())"

    @Test("drops forged offers, gives late ones back, takes the next good one")
    func offers() async throws {
        try await Centre.with { centre in
            try await AgentProcess.with(centre) { _ in
                let work = try await centre.first(WorkItem.self)
                let description = Sample.description()
                try await centre.offer(work, [description], [Sample.job(index: 1)], forged: true, through: 99)
                try await centre.offer(work, [description], [Sample.job(index: 2)], validSeconds: 0, through: 1)
                // It may have another: it says at once that this one has come.
                _ = try await centre.first(WorkItem.self) { $0.taken == 1 && $0.room == 2 }
                try await centre.offer(work, [description], [Sample.job(index: 3)], question: 999, through: 2)
                try await centre.offer(work, [description], [Sample.job(index: 4)], through: 3)
                for index: Int64 in [2, 3] {
                    let failed = try await centre.first(FailedItem.self) { $0.name.index == index }
                    #expect(failed.failures.map(\.code) == [FailureCode.offerRefused.rawValue])
                }
                _ = try await centre.first(FinishedItem.self) { $0.name.index == 4 }
                // What was forged was never offered.
                _ = try await centre.first(WorkItem.self) { $0.taken == 3 && $0.room == 2 }
                let (failed, finished) = (
                    try await centre.all(FailedItem.self), try await centre.all(FinishedItem.self)
                )
                #expect(!failed.contains { $0.item.name.index == 1 })
                #expect(!finished.contains { $0.item.name.index != 4 })
            }
        }
    }

    @Test("kills on request, with all that the step started, and says so until it is heard")
    func kills() async throws {
        try await Centre.with { centre in
            try await AgentProcess.with(centre) { _ in
                let work = try await centre.first(WorkItem.self)
                let step = Sample.step("one", "setsid sleep 1000 & echo $! > child; sleep 1000")
                try await centre.offer(work, [Sample.description(steps: [step])], [Sample.job()])
                _ = try await centre.first(RunningItem.self)
                let key = Sample.job().name.key
                _ = try await centre.first(HeartbeatItem.self) { $0.held == HeldSummary([key]) }
                try await centre.answer(work, wantsList: true)
                _ = try await centre.first(HeartbeatItem.self) { $0.list == [key] }
                let unknown = AttemptKey(task: 99, index: 0, attempt: 1)
                try await centre.answer(work, kill: [key, unknown])
                let cancelled = try await centre.first(CancelledItem.self)
                #expect(cancelled.name.key == key && cancelled.reason == "no longer wanted")
                #expect(!Self.isAnyoneAlive(centre))
                _ = try await centre.first(HeartbeatItem.self) { $0.killed?.contains(key) == true }
                _ = try await centre.first(HeartbeatItem.self) { $0.killed?.contains(unknown) == true }
                try await centre.answer(work, drain: true)
                _ = try await centre.first(WorkItem.self) { $0.room == 0 }
            }
        }
    }

    @Test("after a kill of the agent itself its job's processes are gone, and the next one reports it failed, once")
    func killedAgent() async throws {
        try await Centre.with { centre in
            let agent = try await AgentProcess.start(centre)
            let work = try await centre.first(WorkItem.self)
            let script = "sleep 1000 & sleep 1000 & echo ready > ready; wait"
            let steps = [Sample.step("first", "echo kept > one.txt"), Sample.step("second", script)]
            try await centre.offer(work, [Sample.description(steps: steps)], [Sample.job()])
            _ = try await centre.first(RunningItem.self) { $0.step == "second" }
            agent.process.signal(SIGKILL)
            await agent.process.waitForExit()
            try await AgentProcess.with(centre) { _ in
                let failed = try await centre.first(FailedItem.self)
                #expect(failed.failures.map(\.code) == [FailureCode.agentRestarted.rawValue])
                #expect(!Self.isAnyoneAlive(centre))
                // The next attempt begins where this one was cut off.
                let again = try await centre.first(WorkItem.self) { $0.session != work.session }
                let better = [steps[0], Sample.step("second", "cat one.txt;" + Sample.goodScript)]
                try await centre.offer(again, [Sample.description(steps: better)], [Sample.job(attempt: 2)])
                let finished = try await centre.first(FinishedItem.self)
                #expect(finished.steps.map(\.reused) == [true, nil])
                #expect(try await centre.all(FailedItem.self).count == 1)
            }
        }
    }

    /// Whether a process of the job 7.0.1 is left.
    private static func isAnyoneAlive(_ centre: Centre) -> Bool {
        let home = "HOME=\(centre.path("work/jobs/7.0.1"))"
        return ProcessTable.entries().contains { Self.environment($0.pid).contains(home) }
    }

    private static func environment(_ pid: pid_t) -> [String] {
        (FileTree.read("/proc/\(pid)/environ", limit: 1 << 20) ?? []).split(separator: 0).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    @Test("a stopped agent gives its job back and ends with status 0; with time to drain it finishes it")
    func stops() async throws {
        try await Centre.with { centre in
            try await AgentProcess.with(centre) { _ in
                let work = try await centre.first(WorkItem.self)
                let step = Sample.step("one", "sleep 1000")
                try await centre.offer(work, [Sample.description(steps: [step])], [Sample.job()])
                _ = try await centre.first(RunningItem.self)
            }
            let failed = try await centre.first(FailedItem.self)
            #expect(failed.failures.map(\.code) == [FailureCode.agentRestarted.rawValue])
            _ = try await centre.first(HeartbeatItem.self) { !$0.staying }
            let first = try await centre.first(WorkItem.self)
            try await AgentProcess.with(centre, ["--drain-seconds", "600"]) { _ in
                let work = try await centre.first(WorkItem.self) { $0.session != first.session }
                let step = Sample.step("one", "sleep 1;" + Sample.goodScript)
                try await centre.offer(work, [Sample.description(steps: [step])], [Sample.job(index: 1)])
                _ = try await centre.first(RunningItem.self) { $0.name.index == 1 }
            }
            _ = try await centre.first(FinishedItem.self) { $0.name.index == 1 }
        }
    }

    /// Defect 4 of PanDA (its pilot gives up later than the server): this agent never gives a job up by itself, whatever
    /// the time; only the centre's word ends one.
    @Test("while the broker is away a job goes on, and its report arrives once")
    func brokerRestart() async throws {
        try await TestBroker.withOwn { broker in
            try await Centre.with(broker) { centre in
                try await AgentProcess.with(centre) { _ in
                    let work = try await centre.first(WorkItem.self)
                    let go = centre.path("go")
                    let script = "while [ ! -e \(go) ]; do sleep 0.1; done;" + Sample.goodScript + "\ntouch \(go).done"
                    try await centre.offer(
                        work,
                        [Sample.description(steps: [Sample.step("one", script)])],
                        [Sample.job()]
                    )
                    _ = try await centre.first(RunningItem.self)
                    await broker.stop()
                    try FileTree.write("", to: go)
                    let lfn = Sample.description().lfn(Sample.output(), Sample.job().name.key)
                    // Nobody can tell us of this but the file itself.
                    while FileTree.size(centre.path("se") + lfn) == nil { try await Task.sleep(for: .milliseconds(50)) }
                    try await broker.start()
                    _ = try await centre.first(FinishedItem.self)
                    _ = try await centre.first(HeartbeatItem.self) { $0.held.count == 0 && $0.staying }
                    // What was on its way to the reply queue that is gone is not waited for.
                    _ = try await centre.first(WorkItem.self) { $0.room == 2 && ($0.queue ?? 0) > 1 }
                }
                #expect(try await Set(centre.all(FinishedItem.self).map(\.id)).count == 1)
                #expect(try await Set(centre.all(RunningItem.self).map(\.id)).count == 1)
            }
        }
    }

    @Test("a one-shot agent ends by itself when there is no more work")
    func oneShot() async throws {
        try await Centre.with { centre in
            let agent = try await AgentProcess.start(centre, ["--one-shot", "--idle-seconds", "2"])
            let work = try await centre.first(WorkItem.self)
            try await centre.offer(work, [Sample.description()], [Sample.job()])
            _ = try await centre.first(FinishedItem.self)
            #expect(await agent.process.waitForExit() == .status(0), "\(PrivateFiles.tail(of: agent.logFile))")
        }
    }
}
