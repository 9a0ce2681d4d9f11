/// A file that a task reads, as the catalogue knows it.
package struct InputFile: Sendable, Hashable {
    package let file: Int64
    package let events: Int64
    package let bytes: Int64
    /// The output it is, when it is read from a sibling task or its dataset: the key of `merge_input`.
    package let origin: JobKey?
    package let stream: String?

    package init(file: Int64, events: Int64, bytes: Int64 = 0, origin: JobKey? = nil, stream: String? = nil) {
        self.file = file
        self.events = events
        self.bytes = bytes
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

/// How much goes into one job at most. Nil: no limit.
package struct JobSize: Sendable, Hashable {
    package var events: Int64?
    package var files: Int64?
    package var bytes: Int64?

    package init(events: Int64? = nil, files: Int64? = nil, bytes: Int64? = nil) {
        self.events = events
        self.files = files
        self.bytes = bytes
    }
}

/// Which inputs make which job: pure. The order of the inputs is the order of the jobs, so give them in a stable one.
package enum InputGrouping {
    /// - Parameters:
    ///   - kind: process, skim, derive: each file is cut into slices of `size.events` (nil: one job a file); merge: files are taken
    ///     together, in their order, as long as every limit of `size` holds (none: one job of all; a file that alone is larger is a
    ///     job of its own); analyse: one job of all.
    ///   - limit: only the first so many events over all files; nil: all.
    package static func jobs(kind: String, inputs: [InputFile], size: JobSize, limit: Int64?) -> [GroupedJob] {
        let slices = Self.firstEvents(of: inputs, limit: limit)
        switch kind {
        case "process", "skim", "derive": return slices.flatMap { Self.cut($0, size.events) }
        case "merge": return Self.gather(slices, size)
        default: return slices.isEmpty ? [] : [GroupedJob(slices: slices)]
        }
    }

    /// Which of the inputs that have come make jobs now, while more may come: of a merge the last group waits until it is full or is
    /// told not to. `rest` stays where it is.
    ///
    /// - Parameters:
    ///   - flush: no more comes, or what is there has waited long enough.
    ///   - isFullPage: there are more than these. When not one job is full then, all of them are one: a job that is larger than a page
    ///     would never be made.
    package static func arrived(
        kind: String,
        inputs: [InputFile],
        size: JobSize,
        flush: Bool,
        isFullPage: Bool = false
    ) -> (jobs: [GroupedJob], rest: [InputFile]) {
        let jobs = self.jobs(kind: kind, inputs: inputs, size: size, limit: nil)
        guard kind == "merge", !flush, let last = jobs.last, !Self.isFull(last, size) else { return (jobs, []) }
        if isFullPage && jobs.count == 1 { return (jobs, []) }
        return (jobs.dropLast(), last.slices.map(\.input))
    }

    /// Nothing more fits.
    private static func isFull(_ job: GroupedJob, _ size: JobSize) -> Bool {
        Int64(job.slices.count) >= size.files ?? Int64.max || job.events >= size.events ?? Int64.max
            || job.slices.reduce(0) { $0 + $1.input.bytes } >= size.bytes ?? Int64.max
    }

    private static func cut(_ slice: GroupedJob.Slice, _ perJob: Int64?) -> [GroupedJob] {
        let size = min(perJob ?? slice.count, slice.count)
        let end = slice.first + slice.count
        return stride(from: slice.first, to: end, by: Int64.Stride(size)).map { first in
            GroupedJob(slices: [GroupedJob.Slice(input: slice.input, first: first, count: min(size, end - first))])
        }
    }

    private static func gather(_ slices: [GroupedJob.Slice], _ size: JobSize) -> [GroupedJob] {
        var jobs: [GroupedJob] = []
        var group: [GroupedJob.Slice] = []
        var (events, bytes): (Int64, Int64) = (0, 0)
        for slice in slices {
            let isFull =
                Int64(group.count) >= size.files ?? Int64.max || events + slice.count > size.events ?? Int64.max
                || bytes + slice.input.bytes > size.bytes ?? Int64.max
            if isFull && !group.isEmpty {
                jobs.append(GroupedJob(slices: group))
                (group, events, bytes) = ([], 0, 0)
            }
            group.append(slice)
            events += slice.count
            bytes += slice.input.bytes
        }
        return group.isEmpty ? jobs : jobs + [GroupedJob(slices: group)]
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
