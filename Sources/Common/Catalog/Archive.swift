package import Postgres

/// Carrying out what people asked for: the rows of tasks that have ended go into the archive, or come back, step by step. Safe to call at
/// any time, by any service, and to be killed: each step is a transaction, and the next one goes on where it ended.
package enum Archive {
    /// Chunks of 250 jobs that one step moves: about a second.
    private static let chunks = 40

    /// What a step did.
    package enum Step: Sendable, Hashable {
        /// There is nothing to do, or nothing that may be done now.
        case nothing
        /// So many jobs of a task were moved; 0: the task has arrived.
        case moved(task: Int64, jobs: Int64)
    }

    /// One step of the first task that is on its way and waits for no other.
    ///
    /// - Parameter chunks: of 250 jobs, at most.
    package static func step(_ database: PostgresClient, chunks: Int = Self.chunks) async throws -> Step {
        try await database.withTransaction { transaction in
            guard let (task, state) = try await transaction.query(ArchiveStatements.next).first else { return .nothing }
            let isLeaving = state == "archiving"
            let move =
                isLeaving
                ? ArchiveStatements.archive(task, chunks: chunks) : ArchiveStatements.restore(task, chunks: chunks)
            let jobs = try await transaction.query(move).first ?? 0
            if jobs == 0 {
                if isLeaving {
                    try await transaction.execute(ArchiveStatements.arrived(task))
                    _ = try await transaction.query(TallyStatements.forget(task))
                } else {
                    try await transaction.execute(ArchiveStatements.forget(task))
                    _ = try await transaction.query(TallyStatements.countAnew(task))
                }
            }
            return .moved(task: task, jobs: jobs)
        }
    }
}

extension Archive {
    /// Drops one partition of a range of tasks that has been archived whole.
    ///
    /// - Returns: its name; nil: there is none, or the table is in use.
    package static func dropPartition(_ database: PostgresClient) async throws -> String? {
        try await database.withTransaction { try await $0.query(ArchiveStatements.dropPartition).first ?? nil }
    }
}

package enum ArchiveStatements {
    /// The first task on its way that nobody else moves now: task, state. Into the archive goes a task when no merge refers to what it
    /// made, and when an export of lineage that is at work (or was, in the last week) has read what the log says of it; back comes one
    /// when those it merged from are back.
    static let next = Statement<Int64, String>(
        "archive.next",
        """
        SELECT w.task, w.state FROM archived_task w
        WHERE w.state <> 'archived' AND CASE w.state
            WHEN 'archiving' THEN NOT EXISTS (SELECT 1 FROM merge_input m WHERE m.src_task = w.task)
                AND NOT EXISTS (SELECT 1 FROM lineage_export l WHERE l.exported < w.log AND l.lease_until > now() - interval '7 days')
            ELSE NOT EXISTS (SELECT 1 FROM archived_task s WHERE s.task = ANY (w.sources)) END
        ORDER BY w.since, w.task LIMIT 1 FOR UPDATE OF w SKIP LOCKED
        """,
        returning: Int64.self,
        String.self
    )

    static func archive(_ task: Int64, chunks: Int) -> Statement<Int64> {
        Statement(
            "archive.archive",
            "SELECT archive_jobs(\(task), \(Int32(clamping: chunks)))",
            returning: Int64.self
        )
    }

    static func restore(_ task: Int64, chunks: Int) -> Statement<Int64> {
        Statement(
            "archive.restore",
            "SELECT restore_jobs(\(task), \(Int32(clamping: chunks)))",
            returning: Int64.self
        )
    }

    /// The name of the partition that was dropped; NULL: there is none, or the table is in use.
    static let dropPartition = Statement<String?>(
        "archive.dropPartition",
        "SELECT drop_partition()",
        returning: String?.self
    )

    static func arrived(_ task: Int64) -> SQL {
        "UPDATE archived_task SET state = 'archived', since = now() WHERE task = \(task)"
    }

    static func forget(_ task: Int64) -> SQL {
        "DELETE FROM archived_task WHERE task = \(task)"
    }

    /// Since when a task is archived, or on its way there or back: state, since, who. No row: it is not.
    package static func archived(_ task: Int64) -> Statement<String, Moment, String> {
        Statement(
            "archive.archived",
            "SELECT state, since, who FROM archived_task WHERE task = \(task)",
            returning: String.self,
            Moment.self,
            String.self
        )
    }

    static var examples: [AnyStatement] {
        [
            Self.next.erased, Self.archive(1, chunks: 1).erased, Self.restore(1, chunks: 1).erased,
            Self.dropPartition.erased, Self.archived(1).erased,
        ] + [Self.arrived(1), Self.forget(1)].enumerated().map { Command("archive.\($0)", $1).erased }
            + ArchivingStatements.examples
    }
}
