import Domain

/// Failures in the codes of other systems, told in ours; theirs stays in the diagnostic.
enum ForeignFailure {
    /// - Parameters:
    ///   - unknown: our code for a number that is not in their table.
    ///   - kind: what they call it; nil: the name in their table.
    static func make(
        _ system: ForeignSystem,
        _ number: Int,
        unknown: FailureCode,
        kind: String? = nil,
        text: String,
        source: FailureSource
    ) -> Failure {
        let name = Diagnostic.line(kind ?? system.name(number) ?? "", limit: 60)
        let words = Diagnostic.line(text)
        return Failure(
            system.failureCode(number) ?? unknown,
            "\(system.rawValue) \(number)\(name.isEmpty ? "" : " (\(name))")\(words.isEmpty ? "" : ": \(words)")",
            source: source
        )
    }
}
