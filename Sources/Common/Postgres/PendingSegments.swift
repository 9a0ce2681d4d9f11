/// What one sync of the pipeline will answer. Touched by the connection's thread only, but for `done`.
final class PendingSegment {
    let done = OneShot<[PostgresRows]>()
    /// The names of the statements, for errors.
    let statements: [String]
    /// Results before the first that the caller sees: 1 if BEGIN was sent along.
    var leading = 0
    private(set) var error: PostgresError?
    private var results: [PostgresRows] = []
    private var answered = 0

    init(statements: [String]) { self.statements = statements }

    /// The name of the statement whose result comes next.
    var current: String? {
        let index = self.answered - self.leading
        return index >= 0 && index < self.statements.count ? self.statements[index] : nil
    }

    /// True if the last result was that of a BEGIN the caller wrote.
    var isBegin: Bool {
        guard let tag = self.results.last?.tag else { return false }
        return tag == "BEGIN" || tag == "START TRANSACTION"
    }

    func append(_ rows: PostgresRows) {
        // Nobody waits any more: the rows need not be kept.
        if self.answered >= self.leading && !self.done.isDone { self.results.append(rows) }
        self.answered += 1
    }

    /// Only the first error counts: the rest of the segment is skipped because of it.
    func fail(_ error: PostgresError) {
        self.error = self.error ?? error
        self.answered += 1
    }

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
