/// What the policy knows of the attempt that failed. Only what a rule or a bound asks for; what is not known has a
/// default.
package struct FailedAttempt: Sendable, Hashable {
    package var key: AttemptKey
    package var site: String
    /// Where it ran at the site; nil: not known.
    package var node: String?
    package var workflow: String
    package var taskKind: String
    /// The software versions of the task, as rules name them.
    package var software: [String]
    package var failures: [Failure]
    /// Counted failures of the job before this one, and how many it may have.
    package var countedBefore: Int
    package var maxAttempts: Int
    /// Fingerprints of the job's earlier failed attempts, oldest first.
    package var earlierFingerprints: [String]
    /// How often each rule decided earlier failures of this job; nil: not recorded, and the bound of a rule is then
    /// taken over all failures that do not count.
    package var ruleUses: [String: Int]?
    /// Whether its node or its site is excluded: it failed where nothing works, and that does not use up an attempt.
    package var placeIsExcluded: Bool
    /// Other sites that are allowed and could take the job.
    package var otherSites: Int
    /// Other nodes of the site that could take the job.
    package var otherNodes: Int
    package var cores: Int
    /// Memory the attempt was given, MB for all its cores; nil: no limit.
    package var memoryMB: Int?
    /// The most memory that was measured, MB.
    package var memoryPeakMB: Int?
    /// The share, 0 ... 1, of the task's jobs that already got more memory than the task asks for.
    package var raisedShare: Double
    /// Wall time the attempt was given, seconds; nil: no limit.
    package var walltimeSeconds: Double?
    /// Events of the job; 0: it has none to be divided.
    package var events: Int
    /// Good replicas of the input that failed, this one included; nil: not known, or no input.
    package var goodReplicas: Int?
    /// Whether other jobs fail on other inputs from the same place: then it is the place and not the file.
    package var otherInputsFail: Bool

    package init(
        key: AttemptKey,
        site: String,
        node: String? = nil,
        workflow: String = "",
        taskKind: String,
        software: [String] = [],
        failures: [Failure],
        countedBefore: Int,
        maxAttempts: Int,
        earlierFingerprints: [String],
        ruleUses: [String: Int]? = nil,
        placeIsExcluded: Bool = false,
        otherSites: Int,
        otherNodes: Int = 0,
        cores: Int = 1,
        memoryMB: Int? = nil,
        memoryPeakMB: Int? = nil,
        raisedShare: Double = 0,
        walltimeSeconds: Double? = nil,
        events: Int = 0,
        goodReplicas: Int? = nil,
        otherInputsFail: Bool = false
    ) {
        self.key = key
        self.site = site
        self.node = node
        self.workflow = workflow
        self.taskKind = taskKind
        self.software = software
        self.failures = failures
        self.countedBefore = countedBefore
        self.maxAttempts = maxAttempts
        self.earlierFingerprints = earlierFingerprints
        self.ruleUses = ruleUses
        self.placeIsExcluded = placeIsExcluded
        self.otherSites = otherSites
        self.otherNodes = otherNodes
        self.cores = cores
        self.memoryMB = memoryMB
        self.memoryPeakMB = memoryPeakMB
        self.raisedShare = raisedShare
        self.walltimeSeconds = walltimeSeconds
        self.events = events
        self.goodReplicas = goodReplicas
        self.otherInputsFail = otherInputsFail
    }
}
