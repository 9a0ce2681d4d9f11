/// What the books know of one job, as far as recovery depends on it.
package struct JobCondition: Hashable, Sendable {
    /// How the job's last attempt ended.
    package enum LastEnd: String, CaseIterable, Sendable {
        /// It has had no attempt, or the last one has not ended.
        case none
        case done, failed, lost, cancelled
    }

    /// How far the verdict on the last attempt is.
    package enum VerdictProgress: String, CaseIterable, Sendable {
        case none
        /// Given, and not yet carried out.
        case open
        case carriedOut
    }

    /// How many of the task's streams are accepted from the job.
    package enum Streams: String, CaseIterable, Sendable {
        case none, some, all
    }

    /// The events the winner read, against those it should have read.
    package enum Events: String, CaseIterable, Sendable {
        case equal, fewer, more
        /// There is no winner, or it did not say.
        case unknown
    }

    /// The files of the accepted outputs. An empty stream has none, so a job without files has lost none.
    package enum Files: String, CaseIterable, Sendable {
        /// Each has a good replica, or one that is being copied.
        case there
        case someLost, allLost
    }

    /// The events the job reads; a job that needs none has them.
    package enum Inputs: String, CaseIterable, Sendable {
        case there
        /// A file has no good replica, and nobody has declared it lost: it may come back.
        case unavailable
        /// A file is declared lost, and its task has ended: nobody can make it again.
        case lost
        /// A file is gone, and its own task still runs and can make it again.
        case producible
        /// The job's slices are not the events it expects: they belong to other jobs.
        case claimed
    }

    /// What has been made of the outputs: they cannot be withdrawn from under it.
    package enum Use: String, CaseIterable, Sendable {
        case free
        /// Jobs of other tasks are to read or merge them. None has done so or is doing so, and each can let go of them: their tasks take what
        /// is made again as it comes.
        case taken
        /// A job of another task has read or merged them, does so now, or cannot let go of them.
        case read
        /// Their dataset is closed.
        case closed
    }

    package var state: JobState
    package var isLeased: Bool
    package var lastEnd: LastEnd
    package var verdict: VerdictProgress
    package var hasWinner: Bool
    package var streams: Streams
    package var events: Events
    package var files: Files
    package var inputs: Inputs
    package var use: Use

    package init(
        state: JobState,
        isLeased: Bool = false,
        lastEnd: LastEnd = .none,
        verdict: VerdictProgress = .none,
        hasWinner: Bool = false,
        streams: Streams = .none,
        events: Events = .unknown,
        files: Files = .there,
        inputs: Inputs = .there,
        use: Use = .free
    ) {
        self.state = state
        self.isLeased = isLeased
        self.lastEnd = lastEnd
        self.verdict = verdict
        self.hasWinner = hasWinner
        self.streams = streams
        self.events = events
        self.files = files
        self.inputs = inputs
        self.use = use
    }
}
