import Domain
import Messages

/// Reports of jobs that end together, to be sent when they have run for so long.
struct Ending: Sendable {
    /// How long they have run by then.
    var duration = Duration.zero
    /// What is waited for before they have run for so long.
    var event: (@Sendable () async -> Void)?
    var finished: [Finishing] = []
    var failed: [FailedItem] = []
    var lost: [AttemptKey] = []
    /// Reported although the agent does not know them any more.
    var isForgotten = false
}
