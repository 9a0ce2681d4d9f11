/// When a running task is paused.
package struct BrakeSettings: Sendable, Hashable, Codable {
    /// Nothing is decided on fewer jobs; of lost wall time, on fewer jobs and failures whose jobs got more.
    package var minJobs: Int
    /// The task is paused when more than this share of its ended attempts failed.
    package var failureShare: Double
    /// The task is paused when more than this share of its wall time was lost in attempts that failed.
    package var lostWallShare: Double
    /// The task is paused when at least this share of its failed jobs failed in the same way.
    package var dominantShare: Double
    /// ... unless those are a smaller share than this of all its jobs that ended: a few jobs in a thousand that
    /// cannot be done are no reason to stop the others.
    package var dominantLeast: Double
    /// The task is not paused while the nodes it failed on are a smaller share than this of all those it was tried on: then it
    /// is the nodes. What fails at once is counted before what runs for hours.
    package var placeShare: Double

    package init(
        minJobs: Int = 20,
        failureShare: Double = 0.5,
        lostWallShare: Double = 0.5,
        dominantShare: Double = 0.8,
        dominantLeast: Double = 0.1,
        placeShare: Double = 0.5
    ) {
        self.minJobs = minJobs
        self.failureShare = failureShare
        self.lostWallShare = lostWallShare
        self.dominantShare = dominantShare
        self.dominantLeast = dominantLeast
        self.placeShare = placeShare
    }
}

/// What is counted of a task: what ended well in all its life, what failed since it last began to run. Only failures that count: those of sites are no reason to
/// stop a task. Nor are those whose jobs get more of what they were short of: of these only the wall time counts.
package struct TaskCounts: Sendable, Hashable {
    /// Jobs with at least one attempt that ended, well or not.
    package var jobs: Int
    /// Jobs with at least one failed attempt.
    package var failedJobs: Int
    /// Attempts that ended well.
    package var goodAttempts: Int
    package var failedAttempts: Int
    /// Failures after which the job got more memory or time, or fewer events: not among the above.
    package var remedied: Int
    /// Wall time of the attempts that ended well, seconds times cores: of the task's whole life, or of the last hours if that is enough.
    package var goodWallSeconds: Double
    /// Wall time of those that failed, seconds times cores.
    package var lostWallSeconds: Double
    /// How many different jobs had a failure of this fingerprint.
    package var jobsByFingerprint: [String: Int]
    /// Nodes with such failures, and nodes on which the task runs or ended well and has none; both 0: not known.
    package var failedPlaces: Int
    package var otherPlaces: Int

    package init(
        jobs: Int,
        failedJobs: Int,
        goodAttempts: Int,
        failedAttempts: Int,
        remedied: Int = 0,
        goodWallSeconds: Double = 0,
        lostWallSeconds: Double = 0,
        jobsByFingerprint: [String: Int] = [:],
        failedPlaces: Int = 0,
        otherPlaces: Int = 0
    ) {
        self.jobs = jobs
        self.failedJobs = failedJobs
        self.goodAttempts = goodAttempts
        self.failedAttempts = failedAttempts
        self.remedied = remedied
        self.goodWallSeconds = goodWallSeconds
        self.lostWallSeconds = lostWallSeconds
        self.jobsByFingerprint = jobsByFingerprint
        self.failedPlaces = failedPlaces
        self.otherPlaces = otherPlaces
    }
}
