import Domain
import Glibc
import Logging
import Messages
import Storage

/// Runs one job from the journal to its last report. Whatever goes wrong becomes a failure of the job.
struct JobRunner: Sendable {
    let agent: String
    let node: String
    let work: String
    let logs: String
    let output: PosixStorage
    let software: SoftwareStore
    let inputs: InputFinder
    let journal: Journal
    let reporter: Reporter
    let logger: Logger
    /// A step that does nothing for so long is ended; nil: none is.
    let looping: Duration?
    /// In which batch submission the jobs run, and in which part of it; nil: in none.
    let place: BatchPlace?
    let memory = MemoryCounters()

    /// How long the folder of a failed attempt waits for the next one.
    static let keepSeconds: Double = 86_400

    /// Ends with a terminal report in the journal.
    func run(_ job: HeldJob, _ control: JobControl) async {
        let run = JobRun(runner: self, job: job, control: control)
        let key = job.accepted.key
        do {
            try self.refuseIfStopped(control)
            let result = try await run.result()
            let manifest = try await run.store(result)
            await run.reportFinished(result, manifest)
            try await self.tidy(key, nil, run.completedSteps)
        } catch {
            await self.end(run, control, error)
        }
    }

    func refuseIfStopped(_ control: JobControl) throws {
        if control.reason != nil { throw CancellationError() }
    }

    func folder(_ key: AttemptKey) -> String { "\(self.work)/jobs/\(WorkFolder.name(key))" }
    func logFile(_ key: AttemptKey) -> String { "\(self.logs)/\(key).log" }

    /// Reports a job whose processes died with an earlier run of the agent.
    func abandon(_ job: HeldJob) async {
        let run = JobRun(runner: self, job: job, control: JobControl())
        run.loadMarks()
        // It ran in the batch job of that agent.
        run.place = nil
        let stat = FileTree.read("/proc/stat", limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
        let failure = NodeBoot.failure(started: job.record.started, boot: stat.flatMap(NodeBoot.time))
        await self.end(run, run.control, JobFailure([failure]))
    }

    private func end(_ run: JobRun, _ control: JobControl, _ error: any Error) async {
        let key = run.accepted.key
        var failures: [Failure]
        switch (control.reason, error) {
        case (.killed(let reason), _):
            await run.reportCancelled(reason)
            FileTree.remove(self.folder(key))
            return
        case (.agentStops(let failure), _): failures = [failure]
        case (nil, let error as JobFailure): failures = error.failures
        case (nil, let error as FileError):
            failures = [Failure(NodeFailure.code(errno: error.errno), error.description, source: .agent)]
        case (nil, let error): failures = [Failure(.wrapperCrashed, "\(error)", source: .agent)]
        }
        await run.reportFailed(failures)
        do {
            try await self.tidy(key, failures, run.completedSteps)
        } catch {
            self.logger.error("could not tidy up", metadata: ["attempt": "\(key)", "reason": "\(error)"])
        }
    }

    /// Removes the work folder, or keeps it for the next attempt.
    func tidy(_ key: AttemptKey, _ failures: [Failure]?, _ completed: Int) async throws {
        if let failures, Reuse.isWorthKeeping(completed: completed, failures: failures) {
            try await self.journal.keep(key, until: Now.timestamp.adding(seconds: Self.keepSeconds))
        } else {
            FileTree.remove(self.folder(key))
        }
        for old in try await self.journal.takeExpired(at: Now.timestamp) { FileTree.remove(self.folder(old)) }
    }
}
