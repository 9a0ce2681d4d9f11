/// A file that a task reads, as the catalogue knows it.
package struct InputFile: Sendable, Hashable {
    package let file: Int64
    package let events: Int64
    package let bytes: Int64
    /// The output it is, when it is read from a sibling task or its dataset: the key of `merge_input`.
    package let origin: JobKey?
    package let stream: String?
    /// Files with different keys never share a job.
    package var key = ""
    /// The parts of it that are to be read, in their order; nil: all of it.
    package var left: [EventSlice]?

    package init(file: Int64, events: Int64, bytes: Int64 = 0, origin: JobKey? = nil, stream: String? = nil) {
        self.file = file
        self.events = events
        self.bytes = bytes
        self.origin = origin
        self.stream = stream
    }

    /// The same file without these events, which were read before. What is left out already stays out.
    package func without(_ read: [EventSlice]) -> InputFile {
        guard !read.isEmpty else { return self }
        var file = self
        file.left = self.rest(without: read + (self.left.map(self.rest(without:)) ?? []))
        return file
    }

    /// The same file with what is left of it here or in `other`, which is the same one, named by another input.
    package func joined(with other: InputFile) -> InputFile {
        var file = self
        if let mine = self.left, let more = other.left {
            file.left = self.rest(without: self.rest(without: mine + more))
        } else {
            file.left = nil
        }
        return file
    }

    /// The events of the file that are in none of these, in their order.
    private func rest(without slices: [EventSlice]) -> [EventSlice] {
        var rest: [EventSlice] = []
        var next: Int64 = 0
        for slice in slices.sorted(by: { $0.first < $1.first }) {
            if slice.first > next { rest.append(EventSlice(first: next, count: slice.first - next)) }
            next = max(next, slice.first + slice.count)
        }
        if next < self.events { rest.append(EventSlice(first: next, count: self.events - next)) }
        return rest
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
    /// Of each of its files.
    package var key: String { self.slices.first?.input.key ?? "" }
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
    ///   - kind: process, skim, derive: each file is cut into slices of `size.events` (nil: one job a file); merge, analyse: files are
    ///     taken together, in their order, as long as every limit of `size` holds (none: one job of all; a file that alone is larger
    ///     is a job of its own). Merges and analyses take each key for itself, in the order of their first files.
    ///   - limit: only the first so many events over all files; nil: all.
    package static func jobs(kind: String, inputs: [InputFile], size: JobSize, limit: Int64?) -> [GroupedJob] {
        let slices = Self.firstEvents(of: inputs, limit: limit)
        switch kind {
        case "process", "skim", "derive": return slices.flatMap { Self.cut($0, size.events) }
        default: return Self.byKey(slices).flatMap { Self.gather($0, size) }
        }
    }

    /// Which of the inputs that have come make jobs now, while more may come: of a merge the last group of each key waits until it is full or
    /// is told not to. `rest` stays where it is.
    ///
    /// - Parameters:
    ///   - flush: no more comes, or none is to wait.
    ///   - overdue: files that have waited long enough: a group with one of them waits no more.
    ///   - page: how many files are looked at, at most. When so many would wait and not one job is full, none waits: a job that is larger
    ///     than a page would never be made. Of fewer, because others of them were read before, more are looked at the next time.
    package static func arrived(
        kind: String,
        inputs: [InputFile],
        size: JobSize,
        flush: Bool,
        overdue: Set<Int64> = [],
        page: Int = .max
    ) -> (jobs: [GroupedJob], rest: [InputFile]) {
        let jobs = self.jobs(kind: kind, inputs: inputs, size: size, limit: nil)
        guard kind == "merge", !flush else { return (jobs, []) }
        var last: [String: Int] = [:]
        for (position, job) in jobs.enumerated() { last[job.key] = position }
        let waiting = Set(
            last.values.filter { position in
                let job = jobs[position]
                return !Self.isFull(job, size) && !job.slices.contains { overdue.contains($0.input.file) }
            }
        )
        let rest = waiting.sorted().flatMap { jobs[$0].slices.map(\.input) }
        if waiting.count == jobs.count && Set(rest.map(\.file)).count >= page { return (jobs, []) }
        return (jobs.indices.filter { !waiting.contains($0) }.map { jobs[$0] }, rest)
    }

    /// The slices of each key, in the order of its first.
    private static func byKey(_ slices: [GroupedJob.Slice]) -> [[GroupedJob.Slice]] {
        var keys: [String] = []
        var groups: [String: [GroupedJob.Slice]] = [:]
        for slice in slices {
            if groups[slice.input.key] == nil { keys.append(slice.input.key) }
            groups[slice.input.key, default: []].append(slice)
        }
        return keys.compactMap { groups[$0] }
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

    /// What is to be read of the inputs, in their order, at most so many events. A file without events is left out: there is nothing to read.
    private static func firstEvents(of inputs: [InputFile], limit: Int64?) -> [GroupedJob.Slice] {
        var left = limit ?? Int64.max
        var slices: [GroupedJob.Slice] = []
        for input in inputs where left > 0 && input.events > 0 {
            for part in input.left ?? [EventSlice(first: 0, count: input.events)] where left > 0 {
                let count = min(part.count, left)
                slices.append(GroupedJob.Slice(input: input, first: part.first, count: count))
                left -= count
            }
        }
        return slices
    }
}
