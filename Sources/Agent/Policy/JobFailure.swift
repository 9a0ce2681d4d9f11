import Domain

/// Why a job failed: all that went wrong.
struct JobFailure: Error, Sendable, Equatable {
    var failures: [Failure]

    init(_ failures: [Failure]) { self.failures = failures }

    init(_ code: FailureCode, _ diagnostic: String, source: FailureSource = .agent) {
        // A payload's own words may be in it, and the catalogue's text cannot hold a zero byte.
        self.failures = [Failure(code, diagnostic.replacing("\0", with: ""), source: source)]
    }
}
