package import Domain

/// An agent has room and asks for work. `room` is absolute: a later question replaces an earlier one.
package struct WorkItem: MessageItem {
    package static let type = "agent.work.v1"

    package var agent: String
    /// New at every start of the agent.
    package var session: String
    /// Grows with every question of the session; an offer names the one it answers.
    package var question: Int64
    /// Free cores.
    package var room: Int
    package var capacity: Capacity
    package var replyTo: String
    /// The node that all its jobs run on; nil: it chooses among several, by what an offer says.
    package var node: String?
    /// The highest ``Offer/through`` of this session's offers that had come when `room` was counted, 0 before the first: what is still on its
    /// way is not free, and the centre takes it off. nil: `room` is believed.
    package var taken: Int64?
    /// Grows when the reply queue is lost, and with it all that was on its way there: the centre then takes nothing off.
    package var queue: Int64?

    package init(
        agent: String,
        session: String,
        question: Int64,
        room: Int,
        capacity: Capacity,
        replyTo: String,
        node: String? = nil,
        taken: Int64? = nil,
        queue: Int64? = nil
    ) {
        self.agent = agent
        self.session = session
        self.question = question
        self.room = room
        self.capacity = capacity
        self.replyTo = replyTo
        self.node = node
        self.taken = taken
        self.queue = queue
    }
}

/// The agent is alive and holds these attempts, in two numbers, or in full when the centre asked for the list.
package struct HeartbeatItem: MessageItem {
    package static let type = "agent.heartbeat.v1"

    package var agent: String
    package var session: String
    package var held: HeldSummary
    package var list: [AttemptKey]?
    /// Kills carried out since the last heartbeat.
    package var killed: [AttemptKey]?
    package var replyTo: String
    /// False in the last heartbeat of an agent that stops.
    package var staying: Bool
    /// When it was so, by the agent's clock: a list that has waited knows nothing of what was offered meanwhile. Nil: an agent of an earlier
    /// version.
    package var at: Timestamp?

    package init(
        agent: String,
        session: String,
        held: HeldSummary,
        list: [AttemptKey]? = nil,
        killed: [AttemptKey]? = nil,
        replyTo: String,
        staying: Bool = true,
        at: Timestamp? = nil
    ) {
        self.agent = agent
        self.session = session
        self.held = held
        self.list = list
        self.killed = killed
        self.replyTo = replyTo
        self.staying = staying
        self.at = at
    }
}

/// The centre's answer to a heartbeat: what it wishes, repeated until it is so.
package struct AnswerItem: MessageItem {
    package static let type = "agent.answer.v1"

    package var agent: String
    package var session: String
    package var kill: [KillOrder]
    /// Ask for no more work.
    package var drain: Bool
    /// Send the full list with the next heartbeat, at once.
    package var wantsList: Bool
    /// An agent that is silent for so many seconds has its attempts given to others; nil in an answer to no heartbeat.
    package var lostAfterSeconds: Double?
    package var at: Timestamp

    package init(
        agent: String,
        session: String,
        kill: [KillOrder],
        drain: Bool,
        wantsList: Bool,
        lostAfterSeconds: Double? = nil,
        at: Timestamp
    ) {
        self.agent = agent
        self.session = session
        self.kill = kill
        self.drain = drain
        self.wantsList = wantsList
        self.lostAfterSeconds = lostAfterSeconds
        self.at = at
    }
}

/// End this attempt and report it cancelled.
package struct KillOrder: Codable, Sendable, Equatable {
    package var attempt: AttemptKey
    package var reason: String

    package init(attempt: AttemptKey, reason: String) {
        self.attempt = attempt
        self.reason = reason
    }
}

/// What names an attempt in every report: the key, and the token its lease was given.
package struct AttemptName: Codable, Sendable, Equatable, Hashable {
    package var task: Int64
    package var index: Int64
    package var attempt: Int
    package var token: String

    package init(task: Int64, index: Int64, attempt: Int, token: String) {
        self.task = task
        self.index = index
        self.attempt = attempt
        self.token = token
    }

    package var key: AttemptKey { AttemptKey(task: self.task, index: self.index, attempt: self.attempt) }
}

/// A step that an attempt has gone through.
package struct StepRecord: Codable, Sendable, Equatable {
    package var name: String
    package var started: Timestamp
    package var ended: Timestamp?
    package var exitCode: Int?
    package var signal: Int?
    /// Skipped because an earlier attempt at this site had done it.
    package var reused: Bool?

    package init(
        name: String,
        started: Timestamp,
        ended: Timestamp? = nil,
        exitCode: Int? = nil,
        signal: Int? = nil,
        reused: Bool? = nil
    ) {
        self.name = name
        self.started = started
        self.ended = ended
        self.exitCode = exitCode
        self.signal = signal
        self.reused = reused
    }
}

/// What an attempt used. Read from a message it is ``bounded``, whatever its sender measured: a wrong clock or counter must cost no attempt its
/// report.
package struct Usage: Codable, Sendable, Equatable {
    /// Ten years, of wall time or of all cores together: more than any attempt takes, and the books sum microseconds in 64 bits, which hold 29,000
    /// times that.
    package static let mostSeconds = 315_360_000.0
    /// A pebibyte: more than any machine has, and in MB it fits the 32 bits of a requirement.
    package static let mostMemory: Int64 = 1 << 50

    package var cpuSeconds: Double
    package var wallSeconds: Double
    /// Bytes, the largest of its processes.
    package var memoryPeak: Int64

    package init(cpuSeconds: Double, wallSeconds: Double, memoryPeak: Int64) {
        self.cpuSeconds = cpuSeconds
        self.wallSeconds = wallSeconds
        self.memoryPeak = memoryPeak
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let told = Usage(
            cpuSeconds: try values.decode(Double.self, forKey: .cpuSeconds),
            wallSeconds: try values.decode(Double.self, forKey: .wallSeconds),
            memoryPeak: try values.decode(Int64.self, forKey: .memoryPeak)
        )
        self = told.bounded
    }

    /// The nearest that the catalogue takes, which refuses what is negative and what its sums cannot hold.
    package var bounded: Usage {
        Usage(
            cpuSeconds: Self.bounded(self.cpuSeconds),
            wallSeconds: Self.bounded(self.wallSeconds),
            memoryPeak: min(max(self.memoryPeak, 0), Self.mostMemory)
        )
    }

    private static func bounded(_ seconds: Double) -> Double {
        seconds.isNaN ? 0 : min(max(seconds, 0), Self.mostSeconds)
    }
}

/// An attempt runs: its first report, and one for each step.
package struct RunningItem: MessageItem {
    package static let type = "attempt.running.v1"

    package var name: AttemptName
    /// Grows with every report of the attempt; a lower one only fills in times.
    package var sequence: Int64
    package var agent: String
    package var node: String
    /// The batch job, as the batch system names it.
    package var batchID: String?
    /// What was sent to a batch system at once, with this attempt in it: what the agent sent there, or what it is itself part of; nil: it
    /// runs its jobs itself.
    package var submission: String?
    package var step: String
    package var at: Timestamp

    package init(
        name: AttemptName,
        sequence: Int64,
        agent: String,
        node: String,
        batchID: String? = nil,
        submission: String? = nil,
        step: String,
        at: Timestamp
    ) {
        self.name = name
        self.sequence = sequence
        self.agent = agent
        self.node = node
        self.batchID = batchID
        self.submission = submission
        self.step = step
        self.at = at
    }
}

/// How far an attempt is; may be lost on the way.
package struct ProgressItem: MessageItem {
    package static let type = "attempt.progress.v1"

    package var name: AttemptName
    package var step: String
    /// 0 to 1; nil when the payload does not say.
    package var fraction: Double?
    package var metrics: [String: Double]?
    /// The last lines of its output.
    package var tail: String?
    package var at: Timestamp

    package init(
        name: AttemptName,
        step: String,
        fraction: Double? = nil,
        metrics: [String: Double]? = nil,
        tail: String? = nil,
        at: Timestamp
    ) {
        self.name = name
        self.step = step
        self.fraction = fraction
        self.metrics = metrics
        self.tail = tail
        self.at = at
    }
}

/// An attempt failed: everything that went wrong, and what it used.
package struct FailedItem: MessageItem {
    package static let type = "attempt.failed.v1"

    package var name: AttemptName
    package var sequence: Int64
    package var agent: String
    package var node: String
    /// As in ``RunningItem``: an attempt may fail before it runs. Nil from an agent of an earlier version.
    package var batchID: String?
    package var submission: String?
    package var failures: [Failure]
    package var steps: [StepRecord]
    package var usage: Usage
    /// The last lines of the log.
    package var tail: String?
    package var at: Timestamp

    package init(
        name: AttemptName,
        sequence: Int64,
        agent: String,
        node: String,
        batchID: String? = nil,
        submission: String? = nil,
        failures: [Failure],
        steps: [StepRecord],
        usage: Usage,
        tail: String? = nil,
        at: Timestamp
    ) {
        self.name = name
        self.sequence = sequence
        self.agent = agent
        self.node = node
        self.batchID = batchID
        self.submission = submission
        self.failures = failures
        self.steps = steps
        self.usage = usage
        self.tail = tail
        self.at = at
    }
}

/// An attempt was ended on request.
package struct CancelledItem: MessageItem {
    package static let type = "attempt.cancelled.v1"

    package var name: AttemptName
    package var sequence: Int64
    package var agent: String
    package var reason: String
    package var usage: Usage
    package var at: Timestamp

    package init(name: AttemptName, sequence: Int64, agent: String, reason: String, usage: Usage, at: Timestamp) {
        self.name = name
        self.sequence = sequence
        self.agent = agent
        self.reason = reason
        self.usage = usage
        self.at = at
    }
}
