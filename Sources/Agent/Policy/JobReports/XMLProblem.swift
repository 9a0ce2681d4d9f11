/// Why a text is no XML that is read here.
struct XMLProblem: Error, Sendable, Equatable {
    let reason: String
    /// From 1.
    let line: Int

    init(_ reason: String, line: Int) {
        self.reason = reason
        self.line = line
    }
}
