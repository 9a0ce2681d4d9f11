extension WaitingReasons {
    /// Why a job waits, and when that may change, a sentence each.
    package struct Summary: Sendable, Hashable {
        package let why: String
        package let changes: String?

        init(_ why: String, changes: String?) {
            self.why = why
            self.changes = changes
        }
    }

    /// Nil for a job that does not wait.
    ///
    /// - Parameter misfits: of every agent; nil: it could take the job.
    package func summary(request: Int64, task: Int64, misfits: [Reason?]) -> Summary? {
        if self.state == "unknown" {
            return self.taskState == "waiting"
                ? Self.withoutInputs
                : Summary("it is in no range and has no row: its task is \(self.taskState)", changes: nil)
        }
        guard self.state == "waiting" else { return nil }
        if self.requestState == "held" {
            return Summary("its request is held", changes: "when it is released: millrace request release \(request)")
        }
        if self.taskState == "paused" {
            return Summary(
                "its task is paused: \(self.taskCause ?? "no reason given")",
                changes: "when it is resumed: millrace task resume \(task)"
            )
        }
        if self.taskState == "waiting" { return Self.withoutInputs }
        guard let range = self.range else { return Summary("it is between two states; look again", changes: nil) }
        if self.taskState == "scouting" && range.isHeld {
            return Summary(
                "the scouts of its task run first",
                changes: "when enough of them have ended well: millrace task show \(task)"
            )
        }
        if range.isHeld { return Summary("its range is held", changes: "when its task and its request go on") }
        if range.dueSeconds > 0 {
            return Summary(
                "it is tried again in \(Int64(range.dueSeconds.rounded(.up))) s, after a failure",
                changes: range.dueAt.map { "at \($0)" }
            )
        }
        return Self.summary(misfits, ahead: range.ahead)
    }

    private static let withoutInputs = Summary("its task waits for its inputs", changes: "when they are there")

    /// Of a job that any agent may take that fits.
    private static func summary(_ misfits: [Reason?], ahead: Int64) -> Summary {
        guard !misfits.isEmpty else {
            return Summary("no agent has ever asked for work", changes: "when an agent does")
        }
        let fitting = misfits.filter { $0 == nil }.count
        if fitting > 0 {
            return Summary(
                "it waits for its turn: \(fitting) of \(misfits.count) agents could take it",
                changes: ahead > 0 ? "when \(ahead) jobs of its class before it are leased" : "with the next offer"
            )
        }
        let room = misfits.filter { $0?.kind == "room" }.count
        let kept = misfits.filter { $0?.kind == "cores kept" }.count
        if room + kept > 0 {
            return Summary(
                "the \(room + kept) of \(misfits.count) agents that fit have no room"
                    + (kept == 0
                        ? ""
                        : kept == 1
                            ? ", one of them keeps it for other jobs" : ", \(kept) of them keep it for other jobs"),
                changes: "when jobs there end; \(ahead) jobs of its class are before it"
            )
        }
        return Summary(
            "none of \(misfits.count) agents can take it now: see the reason of each",
            changes: "see when the reasons of the agents may change"
        )
    }
}
