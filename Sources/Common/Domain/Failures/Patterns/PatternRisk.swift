/// Patterns that make other engines search for ever. Ours does not, but operators copy patterns into other tools, and
/// such a pattern hardly ever says what its writer meant: a rule with one is refused when it is written.
enum PatternRisk {
    /// Longer patterns are refused.
    static let longest = 500
    /// So many open repetitions may stand in a row.
    static let row = 3

    /// Why the pattern is refused; nil when it is not.
    static func of(_ text: String) throws(PatternError) -> String? {
        guard text.unicodeScalars.count <= Self.longest else {
            return "it has \(text.unicodeScalars.count) characters, more than \(Self.longest)"
        }
        let node = try PatternParser.parse(text)
        if let reason = Self.nested(node) { return reason }
        var run = Row()
        run.follow(node)
        guard run.longest > Self.row else { return nil }
        return "\(run.longest) open repetitions in a row: put fixed words or an anchor between them"
    }

    /// Repetitions of something that can itself be taken in several ways.
    private static func nested(_ node: PatternNode) -> String? {
        switch node {
        case .nothing, .set, .start, .end, .wordEdge: return nil
        case .sequence(let parts), .choice(let parts):
            for part in parts { if let reason = Self.nested(part) { return reason } }
            return nil
        case .repeated(let part, _, let most):
            if let reason = Self.nested(part) { return reason }
            guard Self.isOpen(most) else { return nil }
            if Self.hasOpenRepetition(part) { return "an open repetition inside another one, as in (a+)+" }
            if part.isNullable { return "an open repetition of what may be nothing, as in (a?)*" }
            if Self.hasAmbiguousChoice(part) {
                return "an open repetition of alternatives that begin with the same character, as in (a|ab)*"
            }
            return nil
        }
    }

    /// A large count is as bad as none.
    private static func isOpen(_ most: Int?) -> Bool { most.map { $0 > 10 } ?? true }

    private static func hasOpenRepetition(_ node: PatternNode) -> Bool {
        switch node {
        case .nothing, .set, .start, .end, .wordEdge: false
        case .sequence(let parts), .choice(let parts): parts.contains(where: Self.hasOpenRepetition)
        case .repeated(let part, _, let most): Self.isOpen(most) || Self.hasOpenRepetition(part)
        }
    }

    private static func hasAmbiguousChoice(_ node: PatternNode) -> Bool {
        switch node {
        case .nothing, .set, .start, .end, .wordEdge: return false
        case .sequence(let parts): return parts.contains(where: Self.hasAmbiguousChoice)
        case .repeated(let part, _, _): return Self.hasAmbiguousChoice(part)
        case .choice(let parts):
            // Upper and lower case count as the same character: other engines may be told to ignore it.
            let firsts = parts.map { $0.first.foldingCase }
            for (number, first) in firsts.enumerated() {
                if firsts[..<number].contains(where: { !$0.isDisjoint(with: first) }) { return true }
            }
            return parts.contains(where: Self.hasAmbiguousChoice)
        }
    }

    /// How many open repetitions stand in a row. A character that none of them can take, or an anchor, ends a row.
    private struct Row {
        var longest = 0
        private var count = 0
        private var taken = PatternSet.empty

        mutating func follow(_ node: PatternNode) {
            switch node {
            case .nothing: break
            case .start, .end, .wordEdge: self.reset()
            case .set(let set): if self.taken.isDisjoint(with: set) { self.reset() }
            case .sequence(let parts): for part in parts { self.follow(part) }
            case .choice(let parts):
                let branches = parts.map { part in
                    var branch = self
                    branch.follow(part)
                    return branch
                }
                guard let worst = branches.max(by: { $0.count < $1.count }) else { return }
                let longest = branches.map(\.longest).max() ?? 0
                let taken = branches.reduce(PatternSet.empty) { $0.union($1.taken) }
                self = worst
                self.longest = longest
                self.taken = taken
            case .repeated(let part, let least, let most):
                guard PatternRisk.isOpen(most) else { return self.follow(part, times: most ?? 0, least: least) }
                let alphabet = part.alphabet
                if least > 0, self.taken.isDisjoint(with: alphabet) { self.reset() }
                self.count += 1
                self.taken = self.taken.union(alphabet)
                self.longest = max(self.longest, self.count)
            }
        }

        /// A counted repetition is as many copies; those beyond the least may be missing, and then end no row.
        private mutating func follow(_ part: PatternNode, times: Int, least: Int) {
            for number in 0..<min(times, PatternRisk.row + 1) {
                let before = self
                self.follow(part)
                if number >= least, self.count < before.count {
                    self.count = before.count
                    self.taken = self.taken.union(before.taken)
                }
            }
        }

        private mutating func reset() {
            self.count = 0
            self.taken = .empty
        }
    }
}
