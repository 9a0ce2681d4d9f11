import Domain
import Messages

/// How much of one file a step read, as a report of another system tells it.
struct ForeignRead: Sendable, Equatable {
    /// What that system calls the file, and where it was; empty: not told.
    var name = ""
    var path = ""
    var events: Int64 = 0

    /// The same as ranges of the job's inputs. Nil: nothing is known of those, because the report tells of none, or of a file that is none
    /// of them: a step may well read a copy that it has made.
    ///
    /// - Parameter paths: where the inputs are, in their order.
    static func ranges(_ reads: [ForeignRead], inputs: [OfferedInput], paths: [String]) -> [EventRange]? {
        guard !reads.isEmpty else { return nil }
        let names = InputNames(inputs, paths: paths)
        var ranges: [EventRange] = []
        for read in reads {
            guard let lfn = names.lfn(read.plainPath) ?? names.lfn(read.name) else { return nil }
            ranges.append(EventRange(lfn: lfn, events: read.events))
        }
        let joined = EventRange.joined(ranges)
        return joined.count <= StepReport.rangeLimit ? joined : nil
    }

    /// Without `file:`, or `file://` before the slash that a path begins with.
    private var plainPath: String {
        guard self.path.hasPrefix("file:") else { return self.path }
        let rest = self.path.dropFirst("file:".count)
        return rest.hasPrefix("///") ? String(rest.dropFirst(2)) : String(rest)
    }
}

/// By which names a step knows the inputs of its job.
struct InputNames {
    private var lfns: [String: String] = [:]

    init(_ inputs: [OfferedInput], paths: [String]) {
        for input in inputs { self.lfns[input.lfn] = input.lfn }
        for (input, path) in zip(inputs, paths) { self.lfns[path] = input.lfn }
    }

    /// Nil: none of them.
    func lfn(_ name: String) -> String? { self.lfns[name] }
}
