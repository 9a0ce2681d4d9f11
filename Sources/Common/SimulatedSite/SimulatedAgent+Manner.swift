package import Domain
package import Messages

/// What a simulated agent does with its jobs, and how it speaks.
extension SimulatedAgent {
    /// What the payload of a job does.
    package enum Behaviour: Sendable {
        /// Finishes with every stream of its task, the first counted one holding the job's events.
        case finish
        case fail([Failure])
        /// Finishes, with another manifest: asked for when the job has run, and not if it is no longer the agent's then.
        case finishWith(@Sendable (FinishedItem) -> FinishedItem)
        /// Runs, and says nothing more.
        case hang
        /// Does not even take the offer in.
        case ignore
        /// Runs, and is forgotten: the agent no longer knows that it ever had the job.
        case lose
        /// Runs for so long before it does what follows.
        indirect case after(Duration, Behaviour)
        /// Runs until this returns, and then does what follows at once.
        indirect case until(@Sendable () async -> Void, Behaviour)
        /// Is forgotten, as with `lose`, and yet runs until this returns, and reports its end with this manifest: the batch job that
        /// everybody took for lost.
        case comeBack(@Sendable () async -> Void, @Sendable (FinishedItem) -> FinishedItem)
    }

    /// How it speaks.
    package struct Manner: Sendable {
        /// Asks again after each offer as though its queue were endless.
        package var keepsAsking = false
        /// Asks when it begins and when jobs have ended, and not once more for nothing else.
        package var asksOnlyWithReason = false
        /// Says the end before the beginning, everything twice, and adds a report of an attempt that is not its.
        package var repeatsItself = false

        /// Reports nothing, not even that a job runs.
        package var isSilent = false
        /// Each offer is one submission to its batch system, named by agent and number.
        package var submits = false
        /// The jobs of such a submission that its batch system loses, asked once for each: they run, and are forgotten.
        package var loses: @Sendable (Offer) -> Set<AttemptKey> = { _ in [] }
        /// Its nodes: jobs go round among those that an offer does not name as to be avoided. One alone is told to the centre; with none it
        /// says nothing, and all its jobs run on `node1`.
        package var nodes: [String] = []

        package init(
            keepsAsking: Bool = false,
            asksOnlyWithReason: Bool = false,
            repeatsItself: Bool = false,
            isSilent: Bool = false,
            submits: Bool = false,
            loses: @escaping @Sendable (Offer) -> Set<AttemptKey> = { _ in [] },
            nodes: [String] = []
        ) {
            self.submits = submits
            self.loses = loses
            self.nodes = nodes
            self.keepsAsking = keepsAsking
            self.asksOnlyWithReason = asksOnlyWithReason
            self.repeatsItself = repeatsItself
            self.isSilent = isSilent
        }
    }
}
