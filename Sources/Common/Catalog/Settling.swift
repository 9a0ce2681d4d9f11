package import Domain
import Messages
package import Postgres

/// How far a task is: what decides whether it has ended.
package struct TaskProgress: Sendable, Hashable {
    package let task: Int64
    package let request: Int64
    package let state: TaskState
    package let total: Int64
    package let done: Int64
    package let aborted: Int64
    package let cancelled: Int64
    package let allowedLoss: Double
    /// That its jobs are to make; nil: nobody knows.
    package let events: Int64?
    /// Those of the jobs that were given up.
    package let lost: Int64
    /// More inputs may come.
    package let takesInputs: Bool

    /// Every job is terminal, and no more will be made.
    package var isComplete: Bool { !self.takesInputs && self.done + self.aborted + self.cancelled >= self.total }

    /// Jobs that were to be done: not those that others replace, nor those that let go of what they were to read.
    var jobs: Int64 { self.total - self.cancelled }

    /// How it ends when all its jobs are terminal, and why.
    var end: (state: TaskState, cause: String) {
        guard self.aborted > 0 else { return (.done, "every job is done") }
        let all = self.events ?? 0
        let end = TaskState.end(
            jobs: self.jobs,
            aborted: self.aborted,
            events: all,
            lost: self.lost,
            allowedLoss: self.allowedLoss
        )
        let events = self.lost > 0 && all > 0 ? " with \(self.lost) of \(all) events" : ""
        let limit = end == .done ? "within its allowed loss" : "more than its allowed loss"
        return (end, "\(self.aborted) of \(self.jobs) jobs\(events) were given up, \(limit)")
    }
}

/// Ending tasks, datasets and requests: safe to call at any time, by any service, as often as one likes.
package enum Settlement {
    /// Ends what can end among these tasks. Both the Bookkeeper (after accepting) and the Scheduler (after giving a job up)
    /// call it after their commit: of two that finish the last jobs at once, the later one sees everything.
    ///
    /// - Returns: words to other services, to be published.
    package static func settle(_ tasks: [Int64], in database: PostgresClient) async throws -> [OutboxMessage] {
        guard !tasks.isEmpty else { return [] }
        let progress = try await database.query(SettlingStatements.progress(tasks))
            .compactMap(SettlingStatements.progress(row:))
        let candidates = progress.filter { $0.isComplete && [.running, .scouting, .finishing].contains($0.state) }
        // More scouts have ended: the Scheduler looks whether the others may run.
        let scouting = progress.filter { !$0.isComplete && $0.state == .scouting }.map(\.task)
        // And whether there is something for tasks that read what these make, as it comes.
        let feeding = try await database.query(SettlingStatements.feeding(tasks))
        let told = Set(scouting + feeding).sorted()
        var messages = told.isEmpty ? [] : try OutboxMessage.control("scheduler", .task, ids: told)
        for candidate in candidates.sorted(by: { $0.task < $1.task }) {
            messages += try await database.withTransaction {
                try await Self.settle(candidate.task, candidate.request, in: $0)
            }
        }
        return messages
    }

    private static func settle(
        _ task: Int64,
        _ request: Int64,
        in transaction: PostgresTransaction
    ) async throws -> [OutboxMessage] {
        // Request first, then task: the order of locks everywhere.
        _ = try await transaction.query(SettlingStatements.lockRequest(request))
        _ = try await transaction.query(SettlingStatements.lockTask(task))
        guard
            let now = try await transaction.query(SettlingStatements.progress([task])).first.flatMap(
                SettlingStatements.progress(row:)
            ),
            now.isComplete
        else { return [] }
        if now.state == .running || now.state == .scouting {
            _ = try await transaction.execute(
                RequestStatements.moveTask(
                    task,
                    to: .finishing,
                    pausedFrom: nil,
                    cause: "every job is terminal",
                    who: nil
                )
            )
        } else if now.state != .finishing {
            return []
        }
        let away = try await transaction.query(LostFiles.away(task)).first
        if let (coming, lost, lfn, reader) = away, coming + lost > 0 {
            let cause = LostFiles.cause(lost: lost, such: lfn, lackedBy: reader)
            _ = try await transaction.execute(SettlingStatements.sayWhy(task, cause))
            return []
        }
        let (end, cause) = now.end
        _ = try await transaction.execute(
            RequestStatements.moveTask(task, to: end, pausedFrom: nil, cause: cause, who: nil)
        )
        if end == .done { _ = try await transaction.execute(SettlingStatements.closeDatasets(task)) }
        try await Self.settleRequest(request, in: transaction)
        let words = try OutboxMessage.control("scheduler", .task, ids: [task])
        _ = try await transaction.execute(OutboxStatements.insert(words))
        return words
    }

    /// Requests that are not held and whose tasks have all ended: nothing else would end them. What the sweep looks at.
    package static func settleStranded(in database: PostgresClient) async throws {
        for request in try await database.query(SettlingStatements.stranded) {
            try await database.withTransaction { transaction in
                _ = try await transaction.query(SettlingStatements.lockRequest(request))
                try await Self.settleRequest(request, in: transaction)
            }
        }
    }

    /// Ends a request whose tasks have all ended, unless it is held; the caller holds its lock.
    ///
    /// - Returns: how it has ended; nil: it goes on.
    @discardableResult
    package static func settleRequest(
        _ request: Int64,
        in transaction: PostgresTransaction
    ) async throws -> RequestState? {
        let states = try await transaction.query(SettlingStatements.taskStates(request)).compactMap(
            TaskState.init(rawValue:)
        )
        guard states.allSatisfy(\.isTerminal) else { return nil }
        let failed = states.filter { $0 != .done }.count
        let end = failed == 0 ? RequestState.finished : .failed
        let ended = try await transaction.query(
            SettlingStatements.endRequest(
                request,
                to: end,
                cause: failed == 0 ? "every task is done" : "\(failed) of \(states.count) tasks failed"
            )
        )
        return ended.isEmpty ? nil : end
    }
}

package enum SettlingStatements {
    package static func progress(
        _ tasks: [Int64]
    ) -> Statement<Int64, Int64, String, Int64, Int64, Int64, Int64, Double, Bool, Int64?, Int64> {
        Statement(
            "settling.progress",
            """
            SELECT t.id, t.request, t.state, t.jobs_total, coalesce(c.done, 0), coalesce(c.aborted, 0), coalesce(c.cancelled, 0), t.allowed_loss,
                   t.inputs_open, t.events_total, coalesce(c.lost, 0)
            FROM task t LEFT JOIN LATERAL (
                SELECT sum(done)::bigint AS done, sum(aborted)::bigint AS aborted, sum(cancelled)::bigint AS cancelled, sum(lost)::bigint AS lost
                FROM task_counter c WHERE c.task = t.id
            ) c ON true
            WHERE t.id = ANY(\(tasks)) AND t.jobs_total IS NOT NULL
            """,
            returning: Int64.self,
            Int64.self,
            String.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Double.self,
            Bool.self,
            Int64?.self,
            Int64.self
        )
    }

    static func progress(
        row: (Int64, Int64, String, Int64, Int64, Int64, Int64, Double, Bool, Int64?, Int64)
    ) -> TaskProgress? {
        guard let state = TaskState(rawValue: row.2) else { return nil }
        return TaskProgress(
            task: row.0,
            request: row.1,
            state: state,
            total: row.3,
            done: row.4,
            aborted: row.5,
            cancelled: row.6,
            allowedLoss: row.7,
            events: row.9,
            lost: row.10,
            takesInputs: row.8
        )
    }

    /// Those of the tasks whose datasets feed others.
    package static func feeding(_ tasks: [Int64]) -> Statement<Int64> {
        Statement(
            "settling.feeding",
            """
            SELECT DISTINCT d.task FROM dataset d JOIN input_feed f ON f.dataset = d.id WHERE d.task = ANY(\(tasks)) ORDER BY 1
            """,
            returning: Int64.self
        )
    }

    /// Tasks whose jobs may all be terminal: what the sweep looks at.
    package static let open = Statement<Int64>(
        "settling.open",
        "SELECT id FROM task WHERE state IN ('running', 'scouting', 'finishing') AND jobs_total IS NOT NULL AND NOT inputs_open ORDER BY id",
        returning: Int64.self
    )

    package static func lockRequest(_ request: Int64) -> Statement<Int64> {
        Statement(
            "settling.lockRequest",
            "SELECT id FROM request WHERE id = \(request) FOR NO KEY UPDATE",
            returning: Int64.self
        )
    }

    package static func lockTask(_ task: Int64) -> Statement<Int64> {
        Statement(
            "settling.lockTask",
            "SELECT id FROM task WHERE id = \(task) FOR NO KEY UPDATE",
            returning: Int64.self
        )
    }

    /// Why a task does not end. It makes no move, so only the task itself says so.
    static func sayWhy(_ task: Int64, _ cause: String) -> SQL {
        """
        UPDATE task SET cause = \(cause), who = NULL, updated = now()
        WHERE id = \(task) AND state = 'finishing' AND cause IS DISTINCT FROM \(cause)
        """
    }

    package static func closeDatasets(_ task: Int64) -> SQL {
        """
        UPDATE dataset SET state = 'closed', version = version + 1, closed = now(), cause = 'its task is done', who = NULL
        WHERE task = \(task) AND state = 'open'
        """
    }

    package static func taskStates(_ request: Int64) -> Statement<String> {
        Statement("settling.taskStates", "SELECT state FROM task WHERE request = \(request)", returning: String.self)
    }

    /// Its id, if it was not held and had not ended.
    package static func endRequest(_ request: Int64, to state: RequestState, cause: String) -> Statement<Int64> {
        Statement(
            "settling.endRequest",
            """
            UPDATE request SET state = \(state.rawValue), version = version + 1, cause = \(cause), who = NULL, updated = now()
            WHERE id = \(request) AND state IN ('approved', 'running') RETURNING id
            """,
            returning: Int64.self
        )
    }

    /// Requests that go on without a task that does.
    static let stranded = Statement<Int64>(
        "settling.stranded",
        """
        SELECT r.id FROM request r WHERE r.state IN ('approved', 'running')
          AND NOT EXISTS (SELECT 1 FROM task t WHERE t.request = r.id AND t.state IN ('waiting', 'scouting', 'running', 'finishing', 'paused'))
        ORDER BY r.id LIMIT 100
        """,
        returning: Int64.self
    )

    static var examples: [AnyStatement] {
        [
            Self.progress([]).erased, Self.open.erased, Self.lockRequest(1).erased, Self.lockTask(1).erased,
            Command("settling.sayWhy", Self.sayWhy(1, "x")).erased,
            Command("settling.closeDatasets", Self.closeDatasets(1)).erased,
            Self.taskStates(1).erased, Self.feeding([]).erased,
            Self.endRequest(1, to: .finished, cause: "x").erased, Self.stranded.erased,
        ] + LostFiles.examples
    }
}
