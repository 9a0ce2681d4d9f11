/// What one sync of the pipeline will answer. Touched by the connection's thread only, but for `done`.
final class PendingSegment {
    let done = OneShot<[PostgresRows]>()
    /// What the server was sent, in this order; one answer each.
    private var parts: [Part] = []
    private(set) var error: PostgresError?
    private var results: [PostgresRows] = []
    private var answered = 0

    enum Part {
        /// What the connection sends by itself, such as BEGIN: nobody waits for its result.
        case own
        case preparation(PreparedStatements.Key, name: String)
        /// Of the caller, with its name for errors.
        case statement(String)
    }

    func add(_ part: Part) { self.parts.append(part) }

    private var next: Part? { self.answered < self.parts.count ? self.parts[self.answered] : nil }

    /// The name of the statement whose result comes next, or is prepared for it.
    var current: String? {
        for case .statement(let name) in self.parts[min(self.answered, self.parts.count)...] { return name }
        return nil
    }

    /// Statements that were to be prepared and have no answer: an error before them skipped them.
    var unprepared: [(key: PreparedStatements.Key, name: String)] {
        self.parts[min(self.answered, self.parts.count)...].compactMap {
            if case .preparation(let key, let name) = $0 { (key, name) } else { nil }
        }
    }

    /// True if the last result was that of a BEGIN the caller wrote.
    var isBegin: Bool {
        guard let tag = self.results.last?.tag else { return false }
        return tag == "BEGIN" || tag == "START TRANSACTION"
    }

    /// Takes the answer to the next part. - Returns: the statement that is prepared now, if it was that.
    func append(_ rows: PostgresRows) -> (key: PreparedStatements.Key, name: String)? {
        defer { self.answered += 1 }
        switch self.next {
        case .preparation(let key, let name): return (key, name)
        case .statement:
            // Nobody waits any more: the rows need not be kept.
            if !self.done.isDone { self.results.append(rows) }
        case .own, nil: break
        }
        return nil
    }

    /// Only the first error counts: the rest of the segment is skipped because of it, and gets no answers of its own. What failed
    /// counts as unanswered.
    func fail(_ error: PostgresError) { self.error = self.error ?? error }

    func finish() {
        if let error = self.error {
            self.done.complete(.failure(error))
        } else {
            self.done.complete(.success(self.results))
        }
    }
}

/// A queue whose front is removed in constant time.
struct PendingSegments {
    private var items: [PendingSegment?] = []
    private var head = 0

    var isEmpty: Bool { self.head == self.items.count }
    var first: PendingSegment? { self.isEmpty ? nil : self.items[self.head] }

    mutating func append(_ segment: PendingSegment) { self.items.append(segment) }

    mutating func removeFirst() {
        self.items[self.head] = nil
        self.head += 1
        if self.head == self.items.count {
            self.items.removeAll(keepingCapacity: self.head < 1024)
            self.head = 0
        } else if self.head > 1024 && self.head * 2 > self.items.count {
            self.items.removeFirst(self.head)
            self.head = 0
        }
    }

    mutating func removeAll() -> [PendingSegment] {
        defer {
            self.items = []
            self.head = 0
        }
        return self.items[self.head...].compactMap(\.self)
    }
}
