import Messages

/// How far some requests are, at one moment.
struct Progress: Equatable, Sendable {
    struct Request: Equatable, Sendable {
        let id: Int64
        let title: String
        let state: String
        /// Its tasks in their order: state, jobs (0: not known yet), those that are done or given up, events.
        let tasks: [Task]

        /// All work of it, 0 to 1.
        var fraction: Double {
            guard self.state != "finished" else { return 1 }
            guard !self.tasks.isEmpty else { return 0 }
            return self.tasks.reduce(0) { $0 + $1.fraction } / Double(self.tasks.count)
        }

        var hasEnded: Bool { Self.terminal.contains(self.state) }
        var isFinished: Bool { self.state == "finished" }

        static let terminal: Set = ["finished", "failed", "cancelled", "rejected"]
    }

    struct Task: Equatable, Sendable {
        let request: Int64
        let state: String
        let jobs: Int64
        let done: Int64
        let active: Int64
        let aborted: Int64
        let recovering: Int64
        let events: Int64

        var fraction: Double {
            if self.state == "done" { return 1 }
            return self.jobs > 0 ? Double(self.done + self.aborted) / Double(self.jobs) : 0
        }

        /// Jobs whose turn has not come.
        var waiting: Int64 { max(0, self.jobs - self.done - self.active - self.aborted - self.recovering) }
    }

    struct Verdict: Equatable, Sendable {
        let at: String
        let attempt: String
        let text: String
    }

    var requests: [Request]
    /// Of the last minute or so; nil: not known.
    var eventsPerSecond: Double?
    /// The latest first.
    var verdicts: [Verdict]

    var tasks: [Task] { self.requests.flatMap(\.tasks) }
    var haveAllEnded: Bool { self.requests.allSatisfy(\.hasEnded) }
}

extension Progress {
    /// From rows of the HTTP API.
    ///
    /// - Parameters:
    ///   - requests: rows of `/requests`, in the order to show them.
    ///   - tasks: rows of `/tasks` of these requests.
    ///   - stats: the answer of `/stats`.
    ///   - verdicts: rows of `/verdicts`, the latest first.
    init(requests: [JSON], tasks: [JSON], stats: JSON, verdicts: [JSON]) {
        let tasks = tasks.sorted { ($0["position"].integer ?? 0) < ($1["position"].integer ?? 0) }.map(Task.init(row:))
        self.requests = requests.map { row in
            let id = row["request"].integer ?? 0
            return Request(
                id: id,
                title: row["title"].text ?? "",
                state: row["state"].text ?? "unknown",
                tasks: tasks.filter { $0.request == id }
            )
        }
        self.eventsPerSecond = stats["rates"]["events_per_second"].number
        self.verdicts = verdicts.map { row in
            let place = [row["task"], row["index"], row["attempt"]].map { CellStyle.plain.text($0) }.joined(
                separator: "."
            )
            let code = row["code"].integer.map { "\($0)" } ?? "-"
            let text =
                "\(row["action"].text ?? "?") (\(row["blame"].text ?? "?"), \(code)): \(row["diagnostic"].text ?? "")"
            return Verdict(
                at: CellStyle.time(row["at"].text ?? ""),
                attempt: place,
                text: text.split(whereSeparator: \.isNewline).joined(separator: " ")
            )
        }
    }
}

extension Progress.Task {
    init(row: JSON) {
        func number(_ field: String) -> Int64 { row[field].integer ?? 0 }
        self.init(
            request: number("request"),
            state: row["state"].text ?? "unknown",
            jobs: number("jobs_total"),
            done: number("jobs_done"),
            active: number("jobs_active"),
            aborted: number("jobs_aborted"),
            recovering: number("jobs_recovering"),
            events: number("events_done")
        )
    }
}
