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

    var eventsRead: Int64?
    var eventsWritten: Int64?
    var outputs: [String: Output]?

    enum CodingKeys: String, CodingKey {
        case eventsRead = "events_read"
        case eventsWritten = "events_written"
        case outputs
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
        let counts = [self.eventsRead, self.eventsWritten] + (self.outputs ?? [:]).values.map(\.events)
        if counts.contains(where: { ($0 ?? 0) < 0 }) {
            throw JobFailure(.payloadReportBroken, "the report of step \(step) has a negative number of events")
        }
        for (stream, output) in self.outputs ?? [:] {
            guard let path = output.path, !RelativePath.isSafe(path) else { continue }
            throw JobFailure(
                .payloadReportBroken,
                "the report of step \(step): output \(stream) is outside the work folder"
            )
        }
    }
}

/// Paths inside a job's work folder.
enum RelativePath {
    /// Not absolute, no empty component, no `.` or `..`.
    static func isSafe(_ path: String) -> Bool {
        !path.isEmpty && !path.utf8.contains(0)
            && path.split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }
}

/// Why a job failed: all that went wrong.
struct JobFailure: Error, Sendable, Equatable {
    var failures: [Failure]

    init(_ failures: [Failure]) { self.failures = failures }
    init(_ code: FailureCode, _ diagnostic: String) { self.failures = [Failure(code, diagnostic)] }
}
