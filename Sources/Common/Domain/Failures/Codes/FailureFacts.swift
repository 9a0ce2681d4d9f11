/// One row of the tables of codes.
package struct FailureFacts: Sendable, Hashable {
    package let code: FailureCode
    /// What happened, in one sentence.
    package let meaning: String
    /// What an operator does about it, in one sentence.
    package let remedy: String
    /// Whose fault it is unless a rule says otherwise.
    package let blame: Blame
    /// Nil: as its layer.
    package let rank: Int?

    package init(_ code: FailureCode, _ meaning: String, do remedy: String, _ blame: Blame, rank: Int? = nil) {
        self.code = code
        self.meaning = meaning
        self.remedy = remedy
        self.blame = blame
        self.rank = rank
    }
}

/// The tables of codes, one for each layer.
package enum FailureCodes {
    /// The table of a layer.
    package static func table(_ layer: FailureLayer) -> [FailureFacts] {
        switch layer {
        case .payload: Self.payload
        case .limit: Self.limit
        case .wrapper: Self.wrapper
        case .software: Self.software
        case .site: Self.site
        case .batch: Self.batch
        case .input: Self.input
        case .output: Self.output
        case .centre: Self.centre
        }
    }

    /// Every row by its code; of two rows for one code the first.
    static let facts: [FailureCode: FailureFacts] = Dictionary(
        FailureLayer.allCases.flatMap(Self.table).map { ($0.code, $0) },
        uniquingKeysWith: { first, _ in first }
    )
}
