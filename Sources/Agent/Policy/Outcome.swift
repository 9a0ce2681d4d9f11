import Domain
import Messages

/// How a process ended: an exit code and a signal are never mixed.
enum ProcessEnd: Sendable, Equatable, Codable {
    case exited(Int)
    case signalled(Int)
}

/// A limit for which the agent ended a step.
enum LimitBreach: Sendable, Equatable {
    case wallTime(limitSeconds: Int)
    case memory(usedMB: Int64, limitMB: Int)
    case disk(usedMB: Int64, limitMB: Int)

    var failure: Failure {
        switch self {
        case .wallTime(let limit): Failure(.wallTime, "ran longer than \(limit) s and was ended")
        case .memory(let used, let limit): Failure(.memory, "used \(used) MB of memory, the limit is \(limit) MB")
        case .disk(let used, let limit): Failure(.disk, "used \(used) MB of disk, the limit is \(limit) MB")
        }
    }
}

/// An output that is ready to be stored; nil `file`: an empty stream.
struct OutputResult: Codable, Sendable, Equatable {
    var stream: String
    var events: Int64
    /// Relative to the work folder.
    var file: String?
}

/// What the steps made.
struct JobResult: Codable, Sendable, Equatable {
    var eventsRead: Int64
    var outputs: [OutputResult]
}

/// What the end of the steps means.
enum Outcome {
    /// Why a step failed; empty: it did not.
    ///
    /// - Parameters:
    ///   - breach: the limit for which the agent ended it: then its signal is ours, and no failure.
    ///   - lastLine: of its log.
    ///   - isDiskFull: whether the node's work folder has no space left.
    static func failures(
        step: String,
        end: ProcessEnd,
        breach: LimitBreach?,
        lastLine: String?,
        isDiskFull: Bool
    ) -> [Failure] {
        var failures: [Failure] = []
        if let breach {
            let failure = breach.failure
            failures.append(Failure(code: failure.code, diagnostic: "step \(step) \(failure.diagnostic)"))
        }
        guard breach == nil else { return failures }
        let words = lastLine.map { ": \($0)" } ?? ""
        switch end {
        case .exited(0): return []
        case .exited(let code): failures.append(Failure(.payloadExit, "exit code \(code) in step \(step)\(words)"))
        case .signalled(let number):
            failures.append(
                Failure(.payloadSignal, "signal \(number) (\(SignalName.of(number))) in step \(step)\(words)")
            )
        }
        if isDiskFull || (lastLine ?? "").contains("No space left on device") {
            failures.append(Failure(.nodeDisk, "no space left under the work folder in step \(step)"))
        }
        return failures
    }

    /// What the steps made, from their reports and the files they left.
    ///
    /// Events read are what the *first* step says it read: later steps read what it wrote. A job whose first step does not
    /// say takes what the last step says it wrote, and a job without inputs then its largest counted stream. A stream's
    /// events are what the last report that names it says.
    ///
    /// - Parameters:
    ///   - reports: of the normal steps, in order; nil: the step left none.
    ///   - size: bytes of a file in the work folder; nil: there is none.
    /// - Throws: ``JobFailure`` with everything that is wrong.
    static func result(
        _ plan: JobPlan,
        reports: [StepReport?],
        size: (_ file: String) -> Int64?
    ) throws(JobFailure) -> JobResult {
        var failures: [Failure] = []
        var outputs: [OutputResult] = []
        for output in plan.accepted.description.outputs {
            do throws(JobFailure) {
                outputs.append(try Self.output(output, plan, reports, size))
            } catch {
                failures += error.failures
            }
        }
        let read = Self.eventsRead(plan, reports, outputs)
        let wanted = plan.accepted.job.events
        if let read, read < wanted {
            failures.append(Failure(.payloadTooFewEvents, "the steps handled \(read) events of \(wanted)"))
        } else if read == nil, wanted > 0, failures.isEmpty {
            failures.append(
                Failure(
                    .payloadReportBroken,
                    "no step reported events_read or events_written, \(wanted) were asked for"
                )
            )
        }
        guard failures.isEmpty else { throw JobFailure(failures) }
        return JobResult(eventsRead: read ?? 0, outputs: outputs)
    }

    private static func eventsRead(_ plan: JobPlan, _ reports: [StepReport?], _ outputs: [OutputResult]) -> Int64? {
        // A job that makes events reads none: what it wrote is what it handled.
        let makes = plan.accepted.description.kind == "generate"
        if !makes, let read = reports.first??.eventsRead { return read }
        if let written = reports.last??.eventsWritten { return written }
        guard plan.accepted.job.inputs.isEmpty else { return nil }
        let counted = Set(plan.accepted.description.outputs.filter(\.counted).map(\.stream))
        return outputs.filter { counted.contains($0.stream) }.map(\.events).max()
    }

    private static func output(
        _ output: PlannedOutput,
        _ plan: JobPlan,
        _ reports: [StepReport?],
        _ size: (_ file: String) -> Int64?
    ) throws(JobFailure) -> OutputResult {
        let said = reports.compactMap { $0?.outputs?[output.stream] }.last
        let file: String
        if let path = said?.path { file = path } else { file = try plan.file(output) }
        if output.counted {
            guard let events = said?.events else {
                throw JobFailure(.payloadReportBroken, "no report gives the events of stream \(output.stream)")
            }
            if events == 0 { return OutputResult(stream: output.stream, events: 0, file: nil) }
        }
        let events = output.counted ? said?.events ?? 0 : 0
        guard let bytes = size(file) else {
            throw JobFailure(.outputMissing, "stream \(output.stream): the file \(file) was not written")
        }
        guard bytes > 0 else {
            let claim = output.counted ? " and claims \(events) events" : ""
            throw JobFailure(.outputEmpty, "stream \(output.stream): the file \(file) is empty\(claim)")
        }
        return OutputResult(stream: output.stream, events: events, file: file)
    }
}

/// The names of signals on Linux.
enum SignalName {
    private static let names = [
        1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 10: "USR1",
        11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 16: "STKFLT", 24: "XCPU", 25: "XFSZ", 31: "SYS",
    ]

    static func of(_ number: Int) -> String { "SIG" + (self.names[number] ?? String(number)) }
}
