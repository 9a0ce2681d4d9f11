/// A pattern as a tree.
indirect enum PatternNode: Sendable, Hashable {
    case nothing
    /// One character.
    case set(PatternSet)
    /// `^`: the beginning of the diagnostic.
    case start
    /// `$`: its end.
    case end
    /// `\b`, or `\B` when false.
    case wordEdge(Bool)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// Nil: as often as one likes.
    case repeated(PatternNode, least: Int, most: Int?)

    /// Whether it can match without taking a character.
    var isNullable: Bool {
        switch self {
        case .nothing, .start, .end, .wordEdge: true
        case .set: false
        case .sequence(let parts): parts.allSatisfy(\.isNullable)
        case .choice(let parts): parts.contains(where: \.isNullable)
        case .repeated(let part, let least, _): least == 0 || part.isNullable
        }
    }

    /// Whether an anchor stands anywhere in it.
    var hasAnchor: Bool {
        switch self {
        case .start, .end, .wordEdge: true
        case .nothing, .set: false
        case .sequence(let parts), .choice(let parts): parts.contains(where: \.hasAnchor)
        case .repeated(let part, _, _): part.hasAnchor
        }
    }

    /// The characters it can begin with.
    var first: PatternSet {
        switch self {
        case .nothing, .start, .end, .wordEdge: return .empty
        case .set(let set): return set
        case .choice(let parts): return parts.reduce(.empty) { $0.union($1.first) }
        case .repeated(let part, _, _): return part.first
        case .sequence(let parts):
            var result = PatternSet.empty
            for part in parts {
                result = result.union(part.first)
                if !part.isNullable { break }
            }
            return result
        }
    }

    /// Every character it can take anywhere.
    var alphabet: PatternSet {
        switch self {
        case .nothing, .start, .end, .wordEdge: .empty
        case .set(let set): set
        case .sequence(let parts), .choice(let parts): parts.reduce(.empty) { $0.union($1.alphabet) }
        case .repeated(let part, _, _): part.alphabet
        }
    }
}
