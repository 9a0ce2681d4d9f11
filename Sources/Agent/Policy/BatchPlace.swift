/// In which batch submission an agent's jobs run: what their reports say of it.
struct BatchPlace: Sendable, Equatable {
    /// What was sent to a batch system at once; nil: not known.
    var submission: String?
    /// Which part of it this is; nil: not known.
    var element: String?

    /// What the agent's file says goes before what its environment says: the batch system may be one that nobody here knows. Nil: neither
    /// says anything, as with an agent that runs its jobs as processes of a machine of its own. Its offers are no submissions: the jobs
    /// of one share neither a queue nor an end, and nobody could look their number up.
    init?(config: AgentConfig, batch: BatchJob?) {
        self.submission = config.submission ?? batch?.submission
        self.element = batch?.element
        if self.submission == nil && self.element == nil { return nil }
    }
}
