import Domain
import Messages

extension JobRun {
    /// Runs one step to its end.
    ///
    /// - Throws: ``JobFailure`` if it did not end well; `CancellationError` if the job was ended meanwhile.
    func run(
        _ step: StepTemplate,
        _ number: Int,
        _ watch: StepWatch,
        _ inputs: [String],
        _ programs: [String]
    ) async throws -> (StepRecord, StepReport?) {
        let launch = try self.launch(step, number, inputs, programs)
        try self.note("step \(step.name): \(launch.arguments.joined(separator: " "))")
        watch.skipOwnLines()
        await self.reportRunning(step)
        let former = self.reportMarks()
        var record = StepRecord(name: step.name, started: Now.timestamp)
        let (ended, breach, memory) = try await self.follow(launch, step, watch)
        record.ended = Now.timestamp
        self.take(ended, &record, watch)
        try self.runner.refuseIfStopped(self.control)
        let (own, broken) = self.ownReport(of: step, number)
        let foreign = self.foreignReports(of: step, since: former)
        let evidence = StepEvidence(
            step: step.name,
            end: ended.end,
            breach: breach,
            memory: memory,
            reports: foreign + [broken ?? own?.word ?? .silent],
            tail: watch.stepTail,
            lastLine: watch.lastLine,
            isDiskFull: FileTree.isFull(self.folder)
        )
        let failures = Outcome.failures(evidence)
        guard failures.isEmpty else { throw JobFailure(failures) }
        return (record, self.ranges(own?.naming(self.accepted.job.inputs, paths: inputs), foreign, inputs))
    }

    /// A step's own report, with what a report of another system tells of the events it read if it does not tell that itself.
    private func ranges(_ own: StepReport?, _ foreign: [JobReport], _ paths: [String]) -> StepReport? {
        let reads = foreign.flatMap(\.reads)
        guard own?.ranges == nil,
            let ranges = ForeignRead.ranges(reads, inputs: self.accepted.job.inputs, paths: paths)
        else { return own }
        var report = own ?? StepReport()
        report.ranges = ranges.map { StepReport.Handled(input: $0.lfn, firstEvent: nil, events: $0.events) }
        return report
    }

    /// Starts the process of a step and watches it to its end, and the kernel's counters of memory with it.
    private func follow(
        _ launch: ChildProcess.Launch,
        _ step: StepTemplate,
        _ watch: StepWatch
    ) async throws -> (ChildProcess.Ended, LimitBreach?, memory: Failure?) {
        let mark = self.runner.memory.begin()
        let child: ChildProcess
        do {
            child = try await ChildProcess.start(launch)
        } catch {
            _ = self.runner.memory.end(mark)
            throw error
        }
        self.control.adopt(child)
        let (ended, breach) = await watch.follow(child, step: step.name)
        self.control.adopt(nil)
        let counted = self.runner.memory.end(mark)
        let memory = MemoryEvidence.failure(
            step: step.name,
            end: ended.end,
            before: counted.before,
            after: counted.after,
            isAlone: counted.isAlone
        )
        return (ended, breach, memory)
    }

    private func launch(
        _ step: StepTemplate,
        _ number: Int,
        _ inputs: [String],
        _ programs: [String]
    ) throws(JobFailure) -> ChildProcess.Launch {
        let arguments = try self.plan.arguments(step, inputs: inputs)
        let environment = try self.plan.environment(
            step,
            folder: self.folder,
            programs: programs,
            report: self.folder + "/" + WorkFolder.report(number),
            inputs: inputs
        )
        return ChildProcess.Launch(
            program: try Program.find(arguments[0], in: environment["PATH"] ?? "", folder: self.folder),
            arguments: arguments,
            environment: environment,
            folder: self.folder,
            logFile: self.logFile,
            ownHome: self.folder
        )
    }

    private func take(_ ended: ChildProcess.Ended, _ record: inout StepRecord, _ watch: StepWatch) {
        switch ended.end {
        case .exited(let code): record.exitCode = code
        case .signalled(let signal): record.signal = signal
        }
        self.record.steps.append(record)
        self.record.usage.cpuSeconds += ended.cpuSeconds
        self.record.usage.memoryPeak = max(self.record.usage.memoryPeak, ended.memoryPeak)
        self.lastWords = watch.tail
    }

    /// The report in the file `MILLRACE_REPORT`; one that cannot be read is a failure.
    private func ownReport(of step: StepTemplate, _ number: Int) -> (StepReport?, broken: JobReport?) {
        let path = self.folder + "/" + WorkFolder.report(number)
        guard let size = FileTree.mark(path)?.bytes, size > 0 else { return (nil, nil) }
        let limit = 1 << 20
        guard size <= limit, let bytes = FileTree.read(path, limit: limit) else {
            return (nil, .unreadable("the report", "it is too large or closed to us", step: step.name))
        }
        do {
            return (try StepReport(reading: bytes, step: step.name), nil)
        } catch {
            return (nil, JobReport(failures: error.failures, word: .unreadable))
        }
    }

    /// The reports of other systems that are there before a step.
    private func reportMarks() -> [JobReportFile: StepMark.File] {
        var marks: [JobReportFile: StepMark.File] = [:]
        for file in JobReportFile.allCases { marks[file] = FileTree.mark(self.folder + "/" + file.rawValue) }
        return marks
    }

    /// Those that the step wrote: one of an earlier step says nothing of this one.
    private func foreignReports(of step: StepTemplate, since former: [JobReportFile: StepMark.File]) -> [JobReport] {
        JobReportFile.allCases.compactMap { file in
            let path = self.folder + "/" + file.rawValue
            guard let mark = FileTree.mark(path), mark != former[file] else { return nil }
            let isReadable = mark.bytes <= JobReportFile.sizeLimit
            return file.read(isReadable ? FileTree.read(path, limit: JobReportFile.sizeLimit) : nil, step: step.name)
        }
    }
}
