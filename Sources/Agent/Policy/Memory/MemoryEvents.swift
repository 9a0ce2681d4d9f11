/// What the kernel counts of a control group that runs out of memory. The numbers only grow.
struct MemoryEvents: Sendable, Equatable {
    /// Processes of the group that the kernel killed because memory ran out; nil: it does not say.
    var kills: Int64?
    /// How often a limit of the group, or of one above it, left no room; nil: it does not say.
    var limitHits: Int64?

    /// From `memory.events` or `memory.events.local` of control groups version 2. What is not there or no number is nil.
    static func unified(_ text: String) -> MemoryEvents {
        // `max` also counts what the kernel could free in time: only `oom` says that it could not.
        MemoryEvents(kills: Self.number("oom_kill", in: text), limitHits: Self.number("oom", in: text))
    }

    /// From `memory.oom_control` and `memory.failcnt` of control groups version 1; nil: there is no such file.
    static func legacy(oomControl: String?, failcnt: String?) -> MemoryEvents {
        let hits = failcnt.map { $0.split(whereSeparator: \.isWhitespace) }
        return MemoryEvents(
            kills: oomControl.flatMap { Self.number("oom_kill", in: $0) },
            limitHits: hits.flatMap { $0.count == 1 ? Self.count($0[0]) : nil }
        )
    }

    /// Limits above the group are in its way, too.
    func adding(limitsOf above: MemoryEvents) -> MemoryEvents {
        guard let more = above.limitHits else { return self }
        return MemoryEvents(kills: self.kills, limitHits: (self.limitHits ?? 0) + more)
    }

    private static func number(_ name: String, in text: String) -> Int64? {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count == 2, words[0] == name { return Self.count(words[1]) }
        }
        return nil
    }

    /// Not so many that a sum overflows: nothing real is.
    private static func count(_ text: Substring) -> Int64? {
        Int64(text).flatMap { (0...(1 << 56)).contains($0) ? $0 : nil }
    }
}
