import Domain

/// Why a job failed: all that went wrong.
struct JobFailure: Error, Sendable, Equatable {
    var failures: [Failure]

    init(_ failures: [Failure]) { self.failures = failures }

    init(_ code: FailureCode, _ diagnostic: String, source: FailureSource = .agent) {
        self.failures = [Failure(code, diagnostic, source: source)]
    }
}
