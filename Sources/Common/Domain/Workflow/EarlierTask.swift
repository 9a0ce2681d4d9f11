/// What a version of a request did of one of its tasks, the versions before it included.
package struct EarlierTask: Sendable, Hashable {
    /// What is known of the files that a task reads.
    package struct Files: Sendable, Hashable {
        package var count: Int64
        /// Of those, the ones of which every event was read by winners, and of which only some were.
        package var read: Int64
        package var half: Int64
        package var events: Int64
        package var eventsRead: Int64
        /// Events that nobody read, of files that are lost and that no version makes again: not in ``events``.
        package var lost: Int64
        /// Name of the first that is half read.
        package var firstHalf: String?
        /// More may come than what its sibling tasks make.
        package var mayGrow: Bool

        package init(
            count: Int64 = 0,
            read: Int64 = 0,
            half: Int64 = 0,
            events: Int64 = 0,
            eventsRead: Int64 = 0,
            lost: Int64 = 0,
            firstHalf: String? = nil,
            mayGrow: Bool = false
        ) {
            self.count = count
            self.read = read
            self.half = half
            self.events = events
            self.eventsRead = eventsRead
            self.lost = lost
            self.firstHalf = firstHalf
            self.mayGrow = mayGrow
        }
    }

    package let task: Int64
    /// The version that has it: those after it left it out.
    package let request: Int64
    package let state: TaskState
    /// As its own workflow and parameters say it.
    package let plan: TaskPlan
    /// Of a task without inputs: the number of its first event and how many it was to make; of one with inputs `events` is the most it
    /// was to read, nil: all.
    package let firstEvent: Int64
    package let events: Int64?
    /// Events of its jobs that are done, earlier versions not counted.
    package let eventsDone: Int64
    /// Empty for a task without inputs.
    package let files: Files
    /// The datasets that it and the versions before it filled, by stream, the oldest first.
    package let outputs: [String: [String]]

    package init(
        task: Int64,
        request: Int64,
        state: TaskState,
        plan: TaskPlan,
        firstEvent: Int64 = 0,
        events: Int64?,
        eventsDone: Int64,
        files: Files = Files(),
        outputs: [String: [String]]
    ) {
        self.task = task
        self.request = request
        self.state = state
        self.plan = plan
        self.firstEvent = firstEvent
        self.events = events
        self.eventsDone = eventsDone
        self.files = files
        self.outputs = outputs
    }

    /// Events that it has not done, of those that are known now.
    package var eventsLeft: Int64 {
        if self.plan.inputs.isEmpty { return max(0, (self.events ?? 0) - self.eventsDone) }
        let unread = self.files.events - self.files.eventsRead
        return self.events.map { max(0, min($0 - self.eventsDone, unread)) } ?? unread
    }

    /// Nothing is left of it, whatever its siblings make.
    package var isComplete: Bool {
        if self.eventsLeft > 0 { return false }
        return !self.files.mayGrow || self.events.map { $0 <= self.eventsDone } ?? false
    }
}
