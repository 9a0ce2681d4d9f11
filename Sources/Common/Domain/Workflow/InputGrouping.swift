/// A file that a task reads, as the catalogue knows it.
package struct InputFile: Sendable, Hashable {
    package let file: Int64
    package let events: Int64
    /// The output it is, when it is read from a sibling task or its dataset: the key of `merge_input`.
    package let origin: JobKey?
    package let stream: String?

    package init(file: Int64, events: Int64, origin: JobKey? = nil, stream: String? = nil) {
        self.file = file
        self.events = events
        self.origin = origin
        self.stream = stream
    }
}

/// One job of a task with inputs.
package struct GroupedJob: Sendable, Hashable {
    /// A slice of one file: events `first` ..< `first + count` of it.
    package struct Slice: Sendable, Hashable {
        package let input: InputFile
        package let first: Int64
        package let count: Int64
    }

    package let slices: [Slice]
    package var events: Int64 { self.slices.reduce(0) { $0 + $1.count } }
}

/// Which inputs make which job: pure. The order of the inputs is the order of the jobs, so give them in a stable one.
package enum InputGrouping {
    /// - Parameters:
    ///   - kind: process: each file is cut into slices of `perJob` events (nil: one job a file); merge and analyse: one job of all.
    ///   - limit: only the first so many events over all files; nil: all.
    package static func jobs(kind: String, inputs: [InputFile], perJob: Int64?, limit: Int64?) -> [GroupedJob] {
        let slices = Self.firstEvents(of: inputs, limit: limit)
        guard kind == "process" else { return slices.isEmpty ? [] : [GroupedJob(slices: slices)] }
        return slices.flatMap { slice -> [GroupedJob] in
            let size = min(perJob ?? slice.count, slice.count)
            return stride(from: slice.first, to: slice.first + slice.count, by: Int64.Stride(size)).map { first in
                GroupedJob(
                    slices: [
                        GroupedJob.Slice(
                            input: slice.input,
                            first: first,
                            count: min(size, slice.first + slice.count - first)
                        )
                    ]
                )
            }
        }
    }

    /// Files that hold no events but exist (artefacts) count as one slice of length 0 only when there is no limit.
    private static func firstEvents(of inputs: [InputFile], limit: Int64?) -> [GroupedJob.Slice] {
        var left = limit ?? Int64.max
        var slices: [GroupedJob.Slice] = []
        for input in inputs where left > 0 && input.events > 0 {
            let count = min(input.events, left)
            slices.append(GroupedJob.Slice(input: input, first: 0, count: count))
            left -= count
        }
        return slices
    }
}
