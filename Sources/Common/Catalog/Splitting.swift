package import Domain
package import Postgres

/// Replacing a job by smaller ones, which cover its events exactly once. The caller holds the locks of task and job.
package enum SplitStatements {
    /// What the jobs have, in the order of their events: task, index, file (nil: no input), first event, events; how often they were
    /// divided already; whether their files are merged, and so are whole.
    package static func parts(_ jobs: [JobKey]) -> Statement<Int64, Int64, Int64?, Int64, Int64, Int32, Bool> {
        Statement(
            "split.parts",
            """
            SELECT j.task, j.index, u.file, coalesce(lower(u.slice), j.first_event, t.first_event + j.index * t.events_per_job, 0),
                   coalesce(upper(u.slice) - lower(u.slice), j.events_expected), j.split_level::int, t.kind = 'merge'
            FROM unnest(\(jobs.map(\.task)), \(jobs.map(\.index))) AS i(task, index)
            JOIN job j ON j.task = i.task AND j.index = i.index JOIN task t ON t.id = j.task
            LEFT JOIN LATERAL (
                SELECT u.file, u.slice FROM unit_input u WHERE \(fragment: UnitInputs.areOfJob(task: "j.task", index: "j.index")) OFFSET 0) u ON true
            LEFT JOIN file f ON f.id = u.file
            ORDER BY j.task, j.index, f.task, f.index, f.lfn, lower(u.slice)
            """,
            returning: Int64.self,
            Int64.self,
            Int64?.self,
            Int64.self,
            Int64.self,
            Int32.self,
            Bool.self
        )
    }

    /// A task gets so many jobs more. Returns the index of the first.
    package static func extend(task: Int64, by jobs: Int64) -> Statement<Int64> {
        Statement(
            "split.extend",
            "UPDATE task SET jobs_total = jobs_total + \(jobs), updated = now() WHERE id = \(task) RETURNING jobs_total - \(jobs)",
            returning: Int64.self
        )
    }

    /// A job of those that replace another.
    package struct Part: Sendable {
        package let job: JobKey
        package let from: Int64
        package let level: Int
        /// Nil: that of the job it comes from.
        package let classID: Int32?
        package let events: [EventPart]

        package init(job: JobKey, from: Int64, level: Int, classID: Int32?, events: [EventPart]) {
            self.job = job
            self.from = from
            self.level = level
            self.classID = classID
            self.events = events
        }

        fileprivate var count: Int64 { self.events.reduce(0) { $0 + $1.count } }
        /// Only jobs without inputs have a place of their own in the task.
        fileprivate var first: Int64? { self.events.first.flatMap { $0.file == nil ? $0.first : nil } }
    }

    /// The slices leave the replaced jobs and go to the new ones: no event is ever in two, and what is merged goes with its file.
    package static func insert(_ parts: [Part]) -> [SQL] {
        let slices = parts.flatMap { part in part.events.compactMap { one in one.file.map { (part.job, $0, one) } } }
        let replaced = Set(parts.map { JobKey(task: $0.job.task, index: $0.from) }).sorted()
        return [
            """
            INSERT INTO job (task, index, events_expected, first_event, split_from, split_level, class, state, cause)
            SELECT i.task, i.index, i.events, i.first, i.from_index, i.level, coalesce(i.class, j.class), 'waiting',
                   'split from job ' || i.task || '.' || i.from_index
            FROM unnest(\(parts.map(\.job.task)), \(parts.map(\.job.index)), \(parts.map(\.count)), \(parts.map(\.first)),
                        \(parts.map(\.from)), \(parts.map { Int32(clamping: $0.level) }), \(parts.map(\.classID)))
                AS i(task, index, events, first, from_index, level, class)
            CROSS JOIN LATERAL (SELECT j.class FROM job j WHERE j.task = i.task AND j.index = i.from_index OFFSET 0) j
            ORDER BY i.task, i.index
            """,
            """
            DELETE FROM unit_input u USING unnest(\(replaced.map(\.task)), \(replaced.map(\.index))) AS i(task, index)
            WHERE \(fragment: UnitInputs.areOfJob(task: "i.task", index: "i.index"))
            """,
            """
            INSERT INTO unit_input (task, index, file, slice)
            SELECT i.task, i.index, i.file, int8range(i.first, i.first + i.count)
            FROM unnest(\(slices.map(\.0.task)), \(slices.map(\.0.index)), \(slices.map(\.1)), \(slices.map(\.2.first)),
                        \(slices.map(\.2.count))) AS i(task, index, file, first, count)
            """,
            """
            UPDATE merge_input m SET index = i.index
            FROM unnest(\(slices.map(\.0.task)), \(slices.map(\.0.index)), \(slices.map(\.1))) AS i(task, index, file)
            CROSS JOIN LATERAL (SELECT o.task, o.index, o.stream FROM output o WHERE o.file = i.file OFFSET 0) o
            WHERE m.task = i.task AND m.src_task = o.task AND m.src_index = o.index AND m.stream = o.stream
            """,
        ]
    }

    static var examples: [AnyStatement] {
        [Self.parts([]).erased, Self.extend(task: 1, by: 1).erased]
            + Self.insert([]).enumerated().map { Command("split.insert.\($0)", $1).erased }
    }
}
