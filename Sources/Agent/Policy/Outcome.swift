import Domain
import Messages

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
    /// Where they began; nil in a journal of an earlier version.
    var firstEvent: Int64?
    /// All of them, as the first step told; nil: it did not, or a journal of an earlier version.
    var ranges: [EventRange]?
    var outputs: [OutputResult]
}

/// What the end of the steps means.
enum Outcome {
    /// Why a step failed, the first what its end says; empty: it did not fail.
    ///
    /// A report says more than an exit code, which has eight bits: if it tells a failure, the exit code is no failure of its
    /// own. But a report of success does not outweigh an exit code, nor an exit code 0 a report of failure.
    static func failures(_ evidence: StepEvidence) -> [Failure] {
        let memory = evidence.memory.map { [$0] } ?? []
        // A signal is the agent's own then.
        if let breach = evidence.breach { return [breach.failure(step: evidence.step)] + memory }
        let told = evidence.reports.flatMap(\.failures)
        guard evidence.end != .exited(0) else { return told }
        let said = Self.end(evidence, told) + memory
        return said + Self.words(evidence, told).filter { found in !said.contains { $0.code == found.code } }
    }

    /// What the end of the process itself says, with the reports.
    private static func end(_ evidence: StepEvidence, _ told: [Failure]) -> [Failure] {
        let lastLine = evidence.lastLine.map { ": \($0)" } ?? ""
        let words = "\(evidence.end.words) in step \(evidence.step)"
        switch evidence.end {
        case .exited where evidence.reports.contains { $0.word == .failure }:
            return told.map { Failure(code: $0.code, diagnostic: "\($0.diagnostic) (\(words))", source: $0.source) }
        case .exited:
            let isDenied = evidence.reports.contains { $0.word == .success }
            let but = isDenied ? ", though its report tells of success" : ""
            return [Failure(.payloadExit, words + but + lastLine, source: .payload)] + told
        case .signalled(let number):
            return [Failure(FailureCode.signal(number), words + lastLine, source: .executor)] + told
        }
    }

    /// What is found in the words of a step that failed: in its log and in its reports.
    private static func words(_ evidence: StepEvidence, _ told: [Failure]) -> [Failure] {
        let text = told.map(\.diagnostic) + [evidence.tail, evidence.lastLine ?? ""]
        let found = LogPatterns.failures(in: text.joined(separator: "\n"), step: evidence.step)
        guard evidence.isDiskFull, !found.contains(where: { $0.code == FailureCode.nodeDisk.rawValue }) else {
            return found
        }
        let words = "no space left under the work folder in step \(evidence.step)"
        return found + [Failure(.nodeDisk, words, source: .executor)]
    }

    /// What the steps made, from their reports and the files they left.
    ///
    /// Events read are what the *first* step says it read, by number or by ranges: later steps read what it wrote. A job whose first step does not
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
            failures.append(
                Failure(.payloadTooFewEvents, "the steps handled \(read) events of \(wanted)", source: .wrapper)
            )
        } else if read == nil, wanted > 0, failures.isEmpty {
            failures.append(
                Failure(
                    .payloadReportBroken,
                    "no step reported events_read or events_written, \(wanted) were asked for",
                    source: .wrapper
                )
            )
        }
        guard failures.isEmpty else { throw JobFailure(failures) }
        let first = reports.first??.firstEvent ?? plan.accepted.job.firstEvent
        return JobResult(eventsRead: read ?? 0, firstEvent: first, ranges: reports.first??.told, outputs: outputs)
    }

    private static func eventsRead(_ plan: JobPlan, _ reports: [StepReport?], _ outputs: [OutputResult]) -> Int64? {
        // A job that makes events reads none: what it wrote is what it handled.
        let makes = plan.accepted.description.kind == "generate"
        if !makes, let report = reports.first ?? nil, let read = report.eventsRead ?? report.eventsOfRanges {
            return read
        }
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
