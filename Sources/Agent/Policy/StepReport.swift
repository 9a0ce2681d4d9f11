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

    var eventsRead: Int64?
    /// Where the events it made or read begin, counted as `MILLRACE_FIRST_EVENT`.
    var firstEvent: Int64?
    var eventsWritten: Int64?
    var outputs: [String: Output]?
    var failures: [Reported]?

    /// More failures of one step are not told.
    static let failureLimit = 20

    enum CodingKeys: String, CodingKey {
        case eventsRead = "events_read"
        case firstEvent = "first_event"
        case eventsWritten = "events_written"
        case outputs, failures
    }

    init(eventsRead: Int64? = nil, eventsWritten: Int64? = nil, outputs: [String: Output]? = nil) {
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
        let counts =
            [self.eventsRead, self.firstEvent, self.eventsWritten] + (self.outputs ?? [:]).values.map(\.events)
        if counts.contains(where: { ($0 ?? 0) < 0 }) {
            throw JobFailure(.payloadReportBroken, "the report of step \(step) has a negative number of events")
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

    /// What the step says of its end.
    var word: JobReport {
        let failures = (self.failures ?? []).prefix(Self.failureLimit).map { told in
            Failure(code: told.code, diagnostic: Diagnostic.line(told.diagnostic ?? ""), source: .payload)
        }
        return failures.isEmpty ? .silent : .failed(failures)
    }
}
