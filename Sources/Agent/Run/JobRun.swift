import Domain
import FoundationEssentials
import Glibc
import Logging
import Messages
import Storage

/// One job on its way through its steps: state that only its own task touches.
final class JobRun {
    let runner: JobRunner
    let accepted: AcceptedJob
    let control: JobControl
    let plan: JobPlan
    let folder: String
    let logFile: String
    var record: JobRecord
    var place: BatchPlace?
    private var marks: [StepMark] = []
    var lastWords: String?
    private let began = ContinuousClock.now
    private let wallBefore: Double

    init(runner: JobRunner, job: HeldJob, control: JobControl) {
        self.runner = runner
        self.accepted = job.accepted
        self.control = control
        self.plan = JobPlan(job.accepted)
        self.folder = runner.folder(job.accepted.key)
        self.logFile = runner.logFile(job.accepted.key)
        self.record = job.record
        self.place = runner.place
        self.wallBefore = job.record.usage.wallSeconds
    }

    var key: AttemptKey { self.accepted.key }
    var completedSteps: Int { self.marks.count }

    /// What the steps made: taken from the journal if they were through before the agent was restarted.
    func result() async throws -> JobResult {
        if self.record.phase == .storing, let result = self.record.result {
            self.loadMarks()
            return result
        }
        self.record.started = Now.timestamp
        try await self.prepare()
        var programs: [String] = []
        for package in self.accepted.description.software {
            programs.append(try await self.runner.software.programs(of: package))
            try self.runner.refuseIfStopped(self.control)
        }
        let inputs = try await self.runner.inputs.paths(of: self.accepted.job.inputs)
        try self.runner.refuseIfStopped(self.control)
        self.record.phase = .running
        await self.runner.reporter.record(self.key, self.record)
        try await self.takeOverSteps(inputs)
        try await self.runSteps(inputs: inputs, programs: programs)
        let result = try Outcome.result(self.plan, reports: self.marks.map(\.report)) { file in
            FileTree.size(self.folder + "/" + file)
        }
        self.record.phase = .storing
        self.record.result = result
        self.noteWallTime()
        await self.runner.reporter.record(self.key, self.record)
        return result
    }

    /// Learns from the work folder which steps were completed before the agent was restarted.
    func loadMarks() {
        self.marks = self.savedMarks(self.folder)
        if self.record.steps.isEmpty { self.record.steps = self.marks.map(\.record) }
    }

    private func prepare() async throws {
        FileTree.remove(self.folder)
        if let older = try await self.runner.journal.takeKept(self.key.job, before: self.key.attempt) {
            rename(self.runner.folder(older), self.folder)
        }
        try FileTree.makeFolder(self.folder + "/" + WorkFolder.temporary)
        try FileTree.makeFolder(self.runner.logs)
    }

    private func writeSandbox() throws {
        for file in self.accepted.description.sandbox {
            guard RelativePath.isSafe(file.name) else {
                throw JobFailure(.specification, "the sandbox file \(file.name) is outside the work folder")
            }
            let path = self.folder + "/" + file.name
            if let slash = file.name.lastIndex(of: "/") {
                try FileTree.makeFolder(self.folder + "/" + file.name[..<slash])
            }
            try FileTree.write(file.text, to: path, mode: file.text.hasPrefix("#!") ? 0o755 : 0o644)
        }
    }

    /// Begins where an earlier attempt of the same job at this agent failed, if its folder is as that step left it.
    private func takeOverSteps(_ inputs: [String]) async throws {
        let fingerprints = try self.plan.steps.map { try self.plan.fingerprint($0, inputs: inputs) }
        let saved = self.savedMarks(self.folder)
        let present = FileTree.files(in: self.folder)
        let decision = Reuse.decide(marks: saved, fingerprints: fingerprints, present: present)
        guard decision.steps > 0 else {
            FileTree.remove(self.folder)
            try FileTree.makeFolder(self.folder + "/" + WorkFolder.temporary)
            try self.writeSandbox()
            return
        }
        for file in decision.surplus { unlink(self.folder + "/" + file) }
        self.marks = saved.prefix(decision.steps).map { mark in
            var mark = mark
            mark.record.reused = true
            return mark
        }
        self.record.steps = self.marks.map(\.record)
        let names = self.marks.map(\.record.name).joined(separator: ", ")
        try self.note("steps taken over from an earlier attempt: \(names)")
    }

    private func savedMarks(_ folder: String) -> [StepMark] {
        guard let bytes = FileTree.read(folder + "/" + WorkFolder.marks, limit: 1 << 26) else { return [] }
        do {
            return try WireFormat.decoder.decode([StepMark].self, from: Data(bytes))
        } catch {
            self.runner.logger.warning(
                "the marks of an earlier attempt cannot be read",
                metadata: ["attempt": "\(self.key)"]
            )
            return []
        }
    }

    private func runSteps(inputs: [String], programs: [String]) async throws {
        let requirement = self.accepted.job.requirement(of: self.accepted.description)
        let watch = StepWatch(
            name: self.accepted.job.name,
            folder: self.folder,
            logFile: self.logFile,
            limits: .init(
                requirement: requirement,
                deadline: self.began + .seconds(requirement.walltimeSeconds),
                looping: self.runner.looping
            ),
            onProgress: self.runner.reporter.onProgress
        )
        for (number, step) in self.plan.steps.enumerated().dropFirst(self.marks.count) {
            try self.runner.refuseIfStopped(self.control)
            do {
                let (ended, report) = try await self.run(step, number, watch, inputs, programs)
                self.marks.append(
                    StepMark(
                        fingerprint: try self.plan.fingerprint(step, inputs: inputs),
                        record: ended,
                        report: report,
                        files: FileTree.files(in: self.folder)
                    )
                )
                try FileTree.write(WireFormat.text(self.marks), to: self.folder + "/" + WorkFolder.marks)
            } catch let failure as JobFailure where self.control.reason == nil {
                throw JobFailure(failure.failures + (await self.rescue(watch, inputs, programs)))
            }
        }
    }

    /// Runs the rescue steps, each whatever the one before did. The job stays failed.
    private func rescue(_ watch: StepWatch, _ inputs: [String], _ programs: [String]) async -> [Failure] {
        var failures: [Failure] = []
        let last = self.plan.steps.count
        for (number, step) in self.plan.rescues.enumerated() {
            do {
                _ = try await self.run(step, last + number, watch, inputs, programs)
            } catch let failure as JobFailure {
                failures += failure.failures
            } catch {
                failures.append(Failure(.wrapperCrashed, "rescue step \(step.name): \(error)", source: .agent))
            }
        }
        return failures
    }

    /// Copies the outputs to storage.
    func store(_ result: JobResult) async throws -> [ManifestOutput] {
        var manifest: [ManifestOutput] = []
        var failures: [Failure] = []
        for output in result.outputs {
            try self.runner.refuseIfStopped(self.control)
            do {
                manifest.append(try await self.store(output))
            } catch let error as StorageError {
                failures.append(StorageFailure.stageOut(error, stream: output.stream))
            }
        }
        guard failures.isEmpty else { throw JobFailure(failures) }
        return manifest
    }

    private func store(_ output: OutputResult) async throws -> ManifestOutput {
        guard let file = output.file,
            let planned = self.accepted.description.outputs.first(where: { $0.stream == output.stream })
        else { return ManifestOutput(stream: output.stream, events: output.events) }
        let lfn = self.accepted.description.lfn(planned, self.key)
        let name = try LogicalName(lfn)
        let (storage, path, token) = (self.runner.output, self.folder + "/" + file, self.accepted.job.name.token)
        let stored = try await blocking { try storage.store(localFile: path, as: name, token: token) }
        return ManifestOutput(
            stream: output.stream,
            events: output.events,
            lfn: lfn,
            bytes: stored.bytes,
            adler32: stored.adler32,
            crc32c: stored.crc32c,
            storage: storage.element.name
        )
    }

    /// A line of the agent's in the job's log.
    func note(_ text: String) throws(FileError) {
        try FileTree.write("millrace: \(Now.timestamp) \(text)\n", to: self.logFile, appending: true)
    }

    func noteWallTime() {
        let (seconds, attoseconds) = self.began.duration(to: .now).components
        self.record.usage.wallSeconds = self.wallBefore + Double(seconds) + Double(attoseconds) / 1e18
    }
}
