/// A first-in, first-out buffer with constant-time ends and random access.
struct FIFO<Element> {
    private var storage: [Element?] = []
    private var head = 0

    init() {}

    init(_ elements: some Sequence<Element>) { self.storage = Array(elements) }

    var count: Int { self.storage.count - self.head }
    var isEmpty: Bool { self.head == self.storage.count }
    var first: Element? { self.isEmpty ? nil : self.storage[self.head] }
    var elements: [Element] { self.storage[self.head...].compactMap { $0 } }

    mutating func append(_ element: Element) { self.storage.append(element) }

    /// Removes and returns the oldest element.
    mutating func popFirst() -> Element? {
        guard !self.isEmpty else { return nil }
        let element = self.storage[self.head]
        self.storage[self.head] = nil
        self.head += 1
        // The free room at the front is given back when it is half of the whole: constant time on average.
        if self.head >= 64, self.head * 2 >= self.storage.count {
            self.storage.removeFirst(self.head)
            self.head = 0
        }
        return element
    }

    mutating func removeAll() {
        self.storage.removeAll(keepingCapacity: true)
        self.head = 0
    }

    /// The element at `index`, counted from the oldest; nil outside.
    subscript(index: Int) -> Element? {
        get { index >= 0 && index < self.count ? self.storage[self.head + index] : nil }
        set {
            guard index >= 0, index < self.count else { return }
            self.storage[self.head + index] = newValue
        }
    }
}

extension FIFO: Sendable where Element: Sendable {}
