/// How an action is done. Nil: not at all, or the default that stands at the field. The names are those of the JSON.
package struct RuleParameters: Sendable, Hashable, Codable {
    /// Seconds before the first retry; 0 when nil.
    package var pauseSeconds: Double?
    /// How the pause grows with each failure in a row; `exponential` when nil.
    package var pauseGrowth: PauseGrowth?
    /// By which share, 0 ... 1, a pause may be longer or shorter, so that jobs that failed together do not come back
    /// together; 0 when nil.
    package var pauseJitter: Double?
    /// Seconds that a pause never exceeds; 3,600 when nil.
    package var pauseLimitSeconds: Double?
    /// Keep the job away from the site that failed it, if another site can take it.
    package var elsewhere: Bool?
    /// Keep the job away from the node that failed it, if the site has another one.
    package var otherNode: Bool?
    /// More memory, on the ladder: see ``MemoryLadder``.
    package var moreMemory: Bool?
    /// At least so many times the memory it had, on the ladder as well.
    package var memoryFactor: Double?
    /// When more than this share of the task's jobs already needed more memory, the whole task gets it; 0.3 when nil.
    package var taskShare: Double?
    /// So many times the wall time it had, up to seven days.
    package var moreTime: Double?
    /// Into how many jobs the job is split, each with fewer events.
    package var split: Int?
    /// What is done about the whole task.
    package var task: TaskMeasure?
    /// What the failure counts against.
    package var strike: StrikeTarget?
    /// Report the input file as suspicious.
    package var reportInput: Bool?
    /// At so many failures of one job that this rule decided, the job is given up. When nil: 20 for failures that do
    /// not count, the task's `max_attempts` for those that do.
    package var limit: Int?

    package init(
        pauseSeconds: Double? = nil,
        pauseGrowth: PauseGrowth? = nil,
        pauseJitter: Double? = nil,
        pauseLimitSeconds: Double? = nil,
        elsewhere: Bool? = nil,
        otherNode: Bool? = nil,
        moreMemory: Bool? = nil,
        memoryFactor: Double? = nil,
        taskShare: Double? = nil,
        moreTime: Double? = nil,
        split: Int? = nil,
        task: TaskMeasure? = nil,
        strike: StrikeTarget? = nil,
        reportInput: Bool? = nil,
        limit: Int? = nil
    ) {
        self.pauseSeconds = pauseSeconds
        self.pauseGrowth = pauseGrowth
        self.pauseJitter = pauseJitter
        self.pauseLimitSeconds = pauseLimitSeconds
        self.elsewhere = elsewhere
        self.otherNode = otherNode
        self.moreMemory = moreMemory
        self.memoryFactor = memoryFactor
        self.taskShare = taskShare
        self.moreTime = moreTime
        self.split = split
        self.task = task
        self.strike = strike
        self.reportInput = reportInput
        self.limit = limit
    }

    /// What `limit` was called in rules that are stored already.
    private enum FormerKeys: String, CodingKey {
        case uncountedLimit
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let former = try decoder.container(keyedBy: FormerKeys.self)
        self.pauseSeconds = try values.decodeIfPresent(Double.self, forKey: .pauseSeconds)
        self.pauseGrowth = try values.decodeIfPresent(PauseGrowth.self, forKey: .pauseGrowth)
        self.pauseJitter = try values.decodeIfPresent(Double.self, forKey: .pauseJitter)
        self.pauseLimitSeconds = try values.decodeIfPresent(Double.self, forKey: .pauseLimitSeconds)
        self.elsewhere = try values.decodeIfPresent(Bool.self, forKey: .elsewhere)
        self.otherNode = try values.decodeIfPresent(Bool.self, forKey: .otherNode)
        self.moreMemory = try values.decodeIfPresent(Bool.self, forKey: .moreMemory)
        self.memoryFactor = try values.decodeIfPresent(Double.self, forKey: .memoryFactor)
        self.taskShare = try values.decodeIfPresent(Double.self, forKey: .taskShare)
        self.moreTime = try values.decodeIfPresent(Double.self, forKey: .moreTime)
        self.split = try values.decodeIfPresent(Int.self, forKey: .split)
        self.task = try values.decodeIfPresent(TaskMeasure.self, forKey: .task)
        self.strike = try values.decodeIfPresent(StrikeTarget.self, forKey: .strike)
        self.reportInput = try values.decodeIfPresent(Bool.self, forKey: .reportInput)
        self.limit =
            try values.decodeIfPresent(Int.self, forKey: .limit)
            ?? former.decodeIfPresent(Int.self, forKey: .uncountedLimit)
    }
}

extension RuleParameters: CustomStringConvertible {
    /// Such as `pause 60 s exponential, elsewhere, limit 10`; empty when nothing is set.
    package var description: String {
        var parts: [String] = []
        if let pause = self.pauseSeconds, pause > 0 {
            let growth = (self.pauseGrowth ?? .exponential).rawValue
            let jitter = self.pauseJitter.map { " ± \(Int(($0 * 100).rounded())) %" } ?? ""
            let limit = self.pauseLimitSeconds.map { " up to \(Int($0)) s" } ?? ""
            parts.append("pause \(Int(pause)) s \(growth)\(jitter)\(limit)")
        }
        if self.elsewhere == true { parts.append("elsewhere") }
        if self.otherNode == true { parts.append("other node") }
        if self.moreMemory == true || self.memoryFactor != nil {
            parts.append("more memory\(self.memoryFactor.map { " × \($0)" } ?? "")")
        }
        if let share = self.taskShare { parts.append("for the task above \(Int((share * 100).rounded())) %") }
        if let factor = self.moreTime { parts.append("time × \(factor)") }
        if let split = self.split { parts.append("split into \(split)") }
        if let task = self.task { parts.append("task: \(task.rawValue)") }
        if let strike = self.strike { parts.append("strike the \(strike.rawValue)") }
        if self.reportInput == true { parts.append("report the input") }
        if let limit = self.limit { parts.append("limit \(limit)") }
        return parts.joined(separator: ", ")
    }
}
