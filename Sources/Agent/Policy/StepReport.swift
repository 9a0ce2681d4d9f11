import Domain
import FoundationEssentials
import Messages

/// The JSON a step may leave in the file `MILLRACE_REPORT`; every key may be absent.
struct StepReport: Codable, Sendable, Equatable {
    struct Output: Codable, Sendable, Equatable {
        /// Relative to the work folder; absent: the file the task declares.
        var path: String?
        var events: Int64?
    }

    /// What the step says went wrong: then it has failed, whatever its exit code.
    struct Reported: Codable, Sendable, Equatable {
        /// One of ours, 1000 to 8999: that an attempt is lost or was cancelled is not a step's to say.
        var code: Int
        var diagnostic: String?
    }

    /// Some events that it made or read.
    struct Handled: Codable, Sendable, Equatable {
        /// The path or the logical name of an input; absent: the only one, or the job has none.
        var input: String?
        /// Counted as `MILLRACE_FIRST_EVENT`, in the input; absent: only how many they are is told.
        var firstEvent: Int64?
        var events: Int64

        enum CodingKeys: String, CodingKey {
            case input, events
            case firstEvent = "first_event"
        }
    }

    var eventsRead: Int64?
    /// Where the events it made or read begin, counted as `MILLRACE_FIRST_EVENT`.
    var firstEvent: Int64?
    var eventsWritten: Int64?
    var outputs: [String: Output]?
    var failures: [Reported]?
    /// All events that it made or read.
    var ranges: [Handled]?

    /// More failures of one step are not told.
    static let failureLimit = 20
    /// No report tells of more ranges.
    static let rangeLimit = 10_000

    enum CodingKeys: String, CodingKey {
        case eventsRead = "events_read"
        case firstEvent = "first_event"
        case eventsWritten = "events_written"
        case outputs, failures, ranges
    }

    init(
        eventsRead: Int64? = nil,
        eventsWritten: Int64? = nil,
        outputs: [String: Output]? = nil,
        ranges: [Handled]? = nil
    ) {
        self.ranges = ranges
        self.eventsRead = eventsRead
        self.eventsWritten = eventsWritten
        self.outputs = outputs
    }

    /// - Throws: ``Failure`` wrapped in ``JobFailure`` for text that is no such report.
    init(reading bytes: [UInt8], step: String) throws(JobFailure) {
        do {
            self = try WireFormat.decoder.decode(Self.self, from: Data(bytes))
        } catch {
            throw JobFailure(.payloadReportBroken, "the report of step \(step): \(WireFormat.explain(error))")
        }
        let ranges = self.ranges ?? []
        let counts =
            [self.eventsRead, self.firstEvent, self.eventsWritten] + (self.outputs ?? [:]).values.map(\.events)
            + ranges.map(\.firstEvent) + ranges.map(\.events)
        if counts.contains(where: { ($0 ?? 0) < 0 }) {
            throw JobFailure(.payloadReportBroken, "the report of step \(step) has a negative number of events")
        }
        guard ranges.count <= Self.rangeLimit else {
            throw JobFailure(
                .payloadReportBroken,
                "the report of step \(step) tells of \(ranges.count) ranges, \(Self.rangeLimit) are allowed"
            )
        }
        if let wrong = (self.failures ?? []).first(where: { !(1000...8999).contains($0.code) }) {
            throw JobFailure(.payloadReportBroken, "the report of step \(step): \(wrong.code) is no failure code")
        }
        for (stream, output) in self.outputs ?? [:] {
            guard let path = output.path, !RelativePath.isSafe(path) else { continue }
            throw JobFailure(
                .payloadReportBroken,
                "the report of step \(step): output \(stream) is outside the work folder"
            )
        }
    }

    /// The same with logical names instead of paths, which another attempt may find elsewhere. A name that is none of the job's stays: the
    /// books refuse it.
    func naming(_ inputs: [OfferedInput], paths: [String]) -> StepReport {
        let names = InputNames(inputs, paths: paths)
        var report = self
        report.ranges = self.ranges?.map { range in
            var range = range
            range.input = range.input.map { names.lfn($0) ?? $0 }
            return range
        }
        return report
    }

    /// As the manifest tells it.
    var told: [EventRange]? {
        self.ranges.map { ranges in
            EventRange.joined(ranges.map { EventRange(lfn: $0.input, first: $0.firstEvent, events: $0.events) })
        }
    }

    /// How many events its ranges hold; nil: it tells of none, or of more than a number can hold.
    var eventsOfRanges: Int64? {
        guard let ranges = self.ranges else { return nil }
        var sum: Int64 = 0
        for range in ranges {
            let (next, isTooMany) = sum.addingReportingOverflow(range.events)
            if isTooMany { return nil }
            sum = next
        }
        return sum
    }

    /// What the step says of its end.
    var word: JobReport {
        let failures = (self.failures ?? []).prefix(Self.failureLimit).map { told in
            Failure(code: told.code, diagnostic: Diagnostic.line(told.diagnostic ?? ""), source: .payload)
        }
        return failures.isEmpty ? .silent : .failed(failures)
    }
}
