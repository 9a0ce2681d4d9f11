package import Domain

/// A verdict on a failed attempt, as any AMQP client sees it: keys `verdict.resubmit`, `verdict.abort`, `verdict.pause`.
package struct VerdictItem: MessageItem {
    package static let type = "verdict.v1"

    package var task: Int64
    package var index: Int64
    package var attempt: Int
    package var site: String
    package var node: String?
    package var action: VerdictAction
    /// What broke: the layer of the code.
    package var `class`: String
    package var blame: Blame
    package var code: Int
    package var diagnostic: String
    package var rule: String
    /// Whether it uses up one of the job's attempts.
    package var counted: Bool
    package var notBefore: Timestamp?
    package var changes: VerdictChanges
    package var at: Timestamp

    package init(
        key: AttemptKey,
        site: String,
        node: String?,
        action: VerdictAction,
        class: String,
        blame: Blame,
        code: Int,
        diagnostic: String,
        rule: String,
        counted: Bool,
        notBefore: Timestamp?,
        changes: VerdictChanges,
        at: Timestamp
    ) {
        self.task = key.task
        self.index = key.index
        self.attempt = key.attempt
        self.site = site
        self.node = node
        self.action = action
        self.class = `class`
        self.blame = blame
        self.code = code
        self.diagnostic = diagnostic
        self.rule = rule
        self.counted = counted
        self.notBefore = notBefore
        self.changes = changes
        self.at = at
    }

    package var key: AttemptKey { AttemptKey(task: self.task, index: self.index, attempt: self.attempt) }
}

/// What is different at the next attempt.
package struct VerdictChanges: Codable, Sendable, Equatable {
    package var memoryMB: Int?
    package var walltimeSeconds: Int?
    /// The job is replaced by jobs of at most so many events.
    package var events: Int64?
    package var excludedSites: [String]?
    package var excludedNodes: [String]?
    /// True: the whole task gets the memory.
    package var raisesTask: Bool?
    /// What is done about the task.
    package var task: TaskMeasure?

    package init(
        memoryMB: Int? = nil,
        walltimeSeconds: Int? = nil,
        events: Int64? = nil,
        excludedSites: [String]? = nil,
        excludedNodes: [String]? = nil,
        raisesTask: Bool? = nil,
        task: TaskMeasure? = nil
    ) {
        self.memoryMB = memoryMB
        self.walltimeSeconds = walltimeSeconds
        self.events = events
        self.excludedSites = excludedSites
        self.excludedNodes = excludedNodes
        self.raisesTask = raisesTask
        self.task = task
    }
}

/// The books refused a finished attempt: the Monitor gives the verdict. Everything else is in the catalogue.
package struct RejectedItem: MessageItem {
    package static let type = "attempt.rejected.v1"

    package var task: Int64
    package var index: Int64
    package var attempt: Int

    package init(_ key: AttemptKey) {
        self.task = key.task
        self.index = key.index
        self.attempt = key.attempt
    }

    package var key: AttemptKey { AttemptKey(task: self.task, index: self.index, attempt: self.attempt) }
}

/// Transfers to one destination are queued: look.
package struct TransferItem: MessageItem {
    package static let type = "transfer.queued.v1"

    package var transfer: Int64

    package init(transfer: Int64) { self.transfer = transfer }
}

/// Something the Bookkeeper has to do. The effect it follows is in the catalogue already.
package struct BooksItem: MessageItem {
    package static let type = "books.v1"

    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// A file has arrived at a storage element.
        case replica
        /// A task's jobs are all terminal.
        case settled
    }

    package var kind: Kind
    /// The transfer that is done (replica) or the task that has ended (settled).
    package var id: Int64

    package init(kind: Kind, id: Int64) {
        self.kind = kind
        self.id = id
    }
}

/// A word from one service to another: ids only, the effect is in the catalogue already.
package struct ControlItem: MessageItem {
    package static let type = "control.v1"

    package enum Subject: String, Codable, Sendable, CaseIterable {
        /// A request was approved, released or changed.
        case request
        /// A task ended or was changed: others may depend on it.
        case task
        /// A dataset was closed.
        case dataset
        /// New waiting ranges.
        case work
        /// The rule table was changed.
        case rules
        /// A storage element was added.
        case storage
        /// Transitions were written that no event has been published for.
        case feed
        /// A job is to be ended.
        case kill
        /// Files were registered that have yet to be verified.
        case registration
    }

    package var subject: Subject
    package var ids: [Int64]

    package init(_ subject: Subject, ids: [Int64] = []) {
        self.subject = subject
        self.ids = ids
    }
}

/// An event of the feed, in exchange `millrace.event`: one transition of one entity.
package struct EventItem: MessageItem {
    package static let type = "event.v1"

    package var id: Int64
    package var entity: String
    /// Of the entity, growing: drop what is not newer than what you have.
    package var version: Int64
    package var from: String?
    package var to: String
    package var cause: String?
    package var who: String
    package var at: Timestamp
    package var detail: [String: DetailValue]?

    package init(
        id: Int64,
        entity: String,
        version: Int64,
        from: String?,
        to: String,
        cause: String?,
        who: String,
        at: Timestamp,
        detail: [String: DetailValue]?
    ) {
        self.id = id
        self.entity = entity
        self.version = version
        self.from = from
        self.to = to
        self.cause = cause
        self.who = who
        self.at = at
        self.detail = detail
    }
}

/// A value in an event's detail: anything JSON can hold.
package enum DetailValue: Codable, Sendable, Equatable {
    case text(String)
    case integer(Int64)
    case number(Double)
    case truth(Bool)
    case list([DetailValue])
    case group([String: DetailValue])
    case nothing

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // A form that does not fit is not an error: the next one is tried, and the last one throws.
        if container.decodeNil() {
            self = .nothing
        } else if let value = try? container.decode(Bool.self) {  // not an error: the next form is tried
            self = .truth(value)
        } else if let value = try? container.decode(Int64.self) {  // likewise
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {  // likewise
            self = .number(value)
        } else if let value = try? container.decode(String.self) {  // likewise
            self = .text(value)
        } else if let value = try? container.decode([DetailValue].self) {  // likewise
            self = .list(value)
        } else {
            self = .group(try container.decode([String: DetailValue].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .truth(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .group(let value): try container.encode(value)
        case .nothing: try container.encodeNil()
        }
    }
}
