package import Domain

/// One output of a finished attempt. An empty stream has events 0 and no file.
package struct ManifestOutput: Codable, Sendable, Equatable {
    package var stream: String
    package var events: Int64
    package var lfn: String?
    package var bytes: Int64?
    package var adler32: String?
    package var crc32c: String?
    /// Where the agent stored it.
    package var storage: String?

    package init(
        stream: String,
        events: Int64,
        lfn: String? = nil,
        bytes: Int64? = nil,
        adler32: String? = nil,
        crc32c: String? = nil,
        storage: String? = nil
    ) {
        self.stream = stream
        self.events = events
        self.lfn = lfn
        self.bytes = bytes
        self.adler32 = adler32
        self.crc32c = crc32c
        self.storage = storage
    }
}

/// The agent says the attempt worked, with its manifest: the Bookkeeper decides.
package struct FinishedItem: MessageItem {
    package static let type = "attempt.finished.v1"

    package var name: AttemptName
    package var sequence: Int64
    package var agent: String
    package var node: String
    package var eventsRead: Int64
    /// Where the events that it made or read begin, counted as in the offer; nil: it does not say.
    package var firstEvent: Int64?
    /// All events that it made or read, if its payload told; nil: it did not, or the agent is of an earlier version.
    package var ranges: [EventRange]?
    package var outputs: [ManifestOutput]
    package var software: String?
    package var steps: [StepRecord]
    package var usage: Usage
    package var started: Timestamp
    package var at: Timestamp

    package init(
        name: AttemptName,
        sequence: Int64,
        agent: String,
        node: String,
        eventsRead: Int64,
        firstEvent: Int64? = nil,
        ranges: [EventRange]? = nil,
        outputs: [ManifestOutput],
        software: String? = nil,
        steps: [StepRecord],
        usage: Usage,
        started: Timestamp,
        at: Timestamp
    ) {
        self.name = name
        self.sequence = sequence
        self.agent = agent
        self.node = node
        self.eventsRead = eventsRead
        self.firstEvent = firstEvent
        self.ranges = ranges
        self.outputs = outputs
        self.software = software
        self.steps = steps
        self.usage = usage
        self.started = started
        self.at = at
    }
}
