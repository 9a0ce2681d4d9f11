package import Postgres

/// Tasks whose books a benchmark fills: made and leased outside the measured time, with all triggers and keys at work.
package enum BooksBenchStatements {
    /// A request that may run, of any workflow the farm has. The site, the storage and the workflow are the benchmark's.
    package static let request = Statement<Int64>(
        "bench.books.request",
        """
        INSERT INTO request (workflow, title, parameters, seed, owner, submission)
        SELECT max(id), 'benchmark of the books', '{}', 1, 'bench', gen_random_uuid() FROM workflow RETURNING id
        """,
        returning: Int64.self
    )

    /// A task of so many jobs; its class fits no agent, so that no Scheduler leases from it.
    package static func task(request: Int64, position: Int32, kind: String, jobs: Int64) -> Statement<Int64> {
        Statement(
            "bench.books.task",
            """
            WITH c AS (
                INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
                VALUES (1, 1, 1, 0, 'none', '{bench}', '{BENCH}', '{}')
                ON CONFLICT (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage, share) DO UPDATE SET cores = 1 RETURNING id
            )
            INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job)
            SELECT \(request), 'step' || \(position), \(position), \(kind), c.id, 100, '{}', \(jobs), \(jobs) * 10, 10 FROM c RETURNING id
            """,
            returning: Int64.self
        )
    }

    /// Its streams and their datasets, and the moves until it runs; the first task of a request moves that too.
    package static func start(task: Int64, request: Int64, streams: [String]) -> [SQL] {
        [
            """
            INSERT INTO task_stream (task, stream, counted, main)
            SELECT \(task), s.stream, true, s.position = 1 FROM unnest(\(streams)) WITH ORDINALITY AS s(stream, position)
            """,
            """
            INSERT INTO dataset (name, task, stream, home)
            SELECT 'bench.' || \(task) || '.' || s.stream, \(task), s.stream, 'BENCH-DISK' FROM unnest(\(streams)) AS s(stream)
            """,
            "UPDATE request SET state = 'approved', version = 2 WHERE id = \(request) AND state = 'new'",
            "UPDATE request SET state = 'running', version = 3 WHERE id = \(request) AND state = 'approved'",
            "UPDATE task SET state = 'running', version = 2 WHERE id = \(task)",
        ]
    }

    /// Jobs that each read one whole file of the main stream of another task.
    package static func read(parent: Int64, task: Int64) -> [SQL] {
        [
            "INSERT INTO task_input (task, position, parent, stream) VALUES (\(task), 0, \(parent), 's0')",
            """
            INSERT INTO job (task, index, events_expected, state, cause)
            SELECT \(task), index, events, 'waiting', 'inputs grouped' FROM accepted WHERE task = \(parent) AND stream = 's0'
            """,
            """
            INSERT INTO unit_input (task, index, file, slice)
            SELECT \(task), a.index, o.file, int8range(0, a.events)
            FROM accepted a CROSS JOIN LATERAL (
                SELECT o.file FROM output o
                WHERE o.task = a.task AND o.index = a.index AND o.attempt = a.attempt AND o.stream = a.stream OFFSET 0) o
            WHERE a.task = \(parent) AND a.stream = 's0'
            """,
        ]
    }

    /// How many files the catalogue holds.
    package static let files = Statement<Int64>("bench.books.files", "SELECT count(*) FROM file", returning: Int64.self)

    package static func dataset(_ id: Int64) -> Statement<String> {
        Statement("bench.books.dataset", "SELECT name FROM dataset WHERE id = \(id)", returning: String.self)
    }

    static var examples: [AnyStatement] {
        [
            Self.request.erased, Self.task(request: 1, position: 0, kind: "generate", jobs: 1).erased,
            Self.files.erased,
            Self.dataset(1).erased,
        ]
            + (Self.start(task: 1, request: 1, streams: ["s0"]) + Self.read(parent: 1, task: 1)).enumerated().map {
                Command("bench.books.\($0)", $1).erased
            }
    }
}
