/// A regular expression that is searched in diagnostics. All its states are followed at once, so that the work is at
/// most the length of the text times the size of the pattern, whatever the pattern: a text that a stranger's program
/// wrote must not stop the Monitor. Searched as written: it is anchored only if it says so, and an empty text is a
/// text.
package struct DiagnosticPattern: Sendable {
    /// As it was written.
    package let text: String

    private enum Instruction: Sendable {
        case take(PatternSet)
        case split(Int, Int)
        case jump(Int)
        case start
        case end
        case wordEdge(Bool)
        case found
    }

    /// Only so many characters (Unicode scalars) of a diagnostic are searched.
    package static let reach = 2_000
    /// Larger patterns are refused: it bounds the work for one character.
    static let largest = 2_000

    private var program: [Instruction] = []
    /// What a match begins with; nil when it may begin with an anchor or with nothing.
    private let first: PatternSet?

    package init(_ text: String) throws(PatternError) {
        self.text = text
        let node = try PatternParser.parse(text)
        self.first = node.isNullable || node.hasAnchor ? nil : node.first
        try self.compile(node)
        self.program.append(.found)
    }

    /// Whether it is found anywhere in the first 2,000 characters.
    package func matches(_ diagnostic: String) -> Bool { self.search(diagnostic).found }

    /// The same, with the number of instructions that were looked at: for tests of the bound on work.
    package func search(_ diagnostic: String) -> (found: Bool, work: Int) {
        var run = Run(program: self.program, text: diagnostic.unicodeScalars.prefix(Self.reach).map(\.value))
        return (run.search(first: self.first), run.work)
    }

    /// The most instructions a search in a text of so many characters looks at.
    package func mostWork(length: Int) -> Int { 2 * (self.program.count + 1) * (min(length, Self.reach) + 1) }

    private mutating func compile(_ node: PatternNode) throws(PatternError) {
        guard self.program.count < Self.largest else {
            throw PatternError("it is too large: write smaller counts in { }")
        }
        switch node {
        case .nothing: break
        case .set(let set): self.program.append(.take(set))
        case .start: self.program.append(.start)
        case .end: self.program.append(.end)
        case .wordEdge(let isEdge): self.program.append(.wordEdge(isEdge))
        case .sequence(let parts): for part in parts { try self.compile(part) }
        case .choice(let parts): try self.compile(choice: parts)
        case .repeated(let part, let least, let most):
            for _ in 0..<least { try self.compile(part) }
            guard let most else { return try self.compile(star: part) }
            for _ in least..<max(least, most) { try self.compile(optional: part) }
        }
    }

    private mutating func compile(choice parts: [PatternNode]) throws(PatternError) {
        var ends: [Int] = []
        for (number, part) in parts.enumerated() {
            guard number < parts.count - 1 else {
                try self.compile(part)
                break
            }
            let fork = self.program.count
            self.program.append(.split(fork + 1, fork + 1))
            try self.compile(part)
            ends.append(self.program.count)
            self.program.append(.jump(0))
            self.program[fork] = .split(fork + 1, self.program.count)
        }
        for end in ends { self.program[end] = .jump(self.program.count) }
    }

    private mutating func compile(star part: PatternNode) throws(PatternError) {
        let fork = self.program.count
        self.program.append(.split(fork + 1, fork + 1))
        try self.compile(part)
        self.program.append(.jump(fork))
        self.program[fork] = .split(fork + 1, self.program.count)
    }

    private mutating func compile(optional part: PatternNode) throws(PatternError) {
        let fork = self.program.count
        self.program.append(.split(fork + 1, fork + 1))
        try self.compile(part)
        self.program[fork] = .split(fork + 1, self.program.count)
    }

    /// One search.
    private struct Run {
        let program: [Instruction]
        let text: [UInt32]
        var work = 0
        private var current: [Int] = []
        private var next: [Int] = []
        /// At which position an instruction was last added: it is added once only.
        private var added: [Int]
        private var pending: [Int] = []
        private var isFound = false

        init(program: [Instruction], text: [UInt32]) {
            self.program = program
            self.text = text
            self.added = Array(repeating: -1, count: program.count)
        }

        mutating func search(first: PatternSet?) -> Bool {
            for position in 0...self.text.count {
                let here = position < self.text.count ? self.text[position] : nil
                // A match may begin here, unless no match begins with this character.
                if first.map({ set in here.map(set.contains) ?? false }) ?? true {
                    self.add(0, at: position, to: \.current)
                }
                if self.isFound { return true }
                guard let here else { return false }
                self.work += 1
                for instruction in self.current {
                    self.work += 1
                    if case .take(let set) = self.program[instruction], set.contains(here) {
                        self.add(instruction + 1, at: position + 1, to: \.next)
                    }
                }
                if self.isFound { return true }
                swap(&self.current, &self.next)
                self.next.removeAll(keepingCapacity: true)
            }
            return false
        }

        /// Follows everything that takes no character.
        private mutating func add(_ instruction: Int, at position: Int, to list: WritableKeyPath<Self, [Int]>) {
            self.pending.append(instruction)
            while let one = self.pending.popLast() {
                guard self.added[one] != position else { continue }
                self.added[one] = position
                self.work += 1
                switch self.program[one] {
                case .take: self[keyPath: list].append(one)
                case .split(let left, let right):
                    self.pending.append(right)
                    self.pending.append(left)
                case .jump(let target): self.pending.append(target)
                case .start: if position == 0 { self.pending.append(one + 1) }
                case .end: if position == self.text.count { self.pending.append(one + 1) }
                case .wordEdge(let wanted):
                    if self.isWordEdge(position) == wanted { self.pending.append(one + 1) }
                case .found: self.isFound = true
                }
            }
        }

        private func isWordEdge(_ position: Int) -> Bool {
            let before = position > 0 && PatternSet.word.contains(self.text[position - 1])
            let after = position < self.text.count && PatternSet.word.contains(self.text[position])
            return before != after
        }
    }
}
