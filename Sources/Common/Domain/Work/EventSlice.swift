/// Events that follow each other: those of one job of a task without inputs, or a part of a file.
package struct EventSlice: Hashable, Sendable {
    /// Counts from 0 over the whole task, or over the file.
    package let first: Int64
    package let count: Int64

    package init(first: Int64, count: Int64) {
        self.first = first
        self.count = count
    }

    /// How many jobs `events` make at `perJob` each; the last may be smaller.
    package static func jobs(events: Int64, perJob: Int64) -> Int64 {
        guard events > 0 else { return 0 }
        return (events - 1) / perJob + 1
    }

    /// The slice of job `index`; nil outside the task.
    package static func slice(index: Int64, events: Int64, perJob: Int64) -> EventSlice? {
        let first = index * perJob
        guard index >= 0, first < events else { return nil }
        return EventSlice(first: first, count: min(perJob, events - first))
    }
}

/// The seed of a job: the same in every retry and on every machine.
package enum JobSeed {
    /// FNV-1a over the request's seed, the task's name and the job's index, then the finaliser of SplitMix64 (Steele, Lea,
    /// Flood, OOPSLA 2014) to spread neighbouring indexes.
    ///
    /// - Returns: 1 ... 899,999,999, the range that Pythia 8 accepts for `Random:seed`.
    package static func seed(request: Int64, task: String, index: Int64) -> Int64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        func mix(number: Int64) {
            for shift in stride(from: 0, to: 64, by: 8) { mix(byte: UInt8(truncatingIfNeeded: number >> shift)) }
        }
        mix(number: request)
        for byte in task.utf8 { mix(byte: byte) }
        mix(byte: 0)
        mix(number: index)
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        hash ^= hash >> 31
        return Int64(hash % 899_999_999) + 1
    }
}

/// What an agent holds, in two numbers: heartbeats carry them, and the full list only when they differ from the catalogue's.
package struct HeldSummary: Hashable, Sendable, Codable {
    package var count: Int64
    package var hash: Int64

    package init(count: Int64 = 0, hash: Int64 = 0) {
        self.count = count
        self.hash = hash
    }

    /// Order does not matter. The catalogue computes the same sum in SQL:
    /// `sum(((task * 1000003 + index) * 31 + attempt) % 4294967291)`.
    package init(_ attempts: some Sequence<AttemptKey>) {
        self.init()
        for attempt in attempts {
            self.count += 1
            self.hash += ((attempt.task * 1_000_003 + attempt.index) * 31 + Int64(attempt.attempt)) % 4_294_967_291
        }
    }
}
