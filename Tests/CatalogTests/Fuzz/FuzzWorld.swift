import Catalog
import Postgres

/// The farm of the fuzz, and what gives it ever new work: a request of three tasks. The first makes files in 1 to 14 streams, the
/// second merges those of its main stream, the third reads the same in slices.
enum FuzzWorld {
    static let clients = 8

    static let script = """
        SET LOCAL search_path = millrace, public;
        INSERT INTO site (name) VALUES ('LOCAL');
        INSERT INTO storage_element (name, site, kind, base)
        VALUES ('DISK', 'LOCAL', 'posix', '/disk'), ('HOME', NULL, 'posix', '/home'), ('FAR', NULL, 'posix', '/far');
        INSERT INTO sample (process, generator, energy, producer, root_name, total_events) VALUES ('uds', 'Pythia', 91, 'p', 'uds91', 100);
        INSERT INTO simulation (ssw, ssw_ver, detector_model, physics_list) VALUES ('s', 'v', 'd', 'l');
        INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('w', 1, '{}', repeat('0', 64), 'ann');
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
        VALUES (1, 1000, 3600, 1000, 'any', '{}', '{}', '{}');
        INSERT INTO agent_session (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags,
                                   storage, last_seen)
        SELECT 'LOCAL', 'a' || n, gen_random_uuid(), 1, 'site.LOCAL.a' || n, 100, 1, 1000, 3600, 1000, 'any', '{}', '{DISK}', now()
        FROM generate_series(1, \(Self.clients)) n;
        """

    /// A request that may run.
    static let request = Statement<Int64>(
        "fuzz.request",
        """
        INSERT INTO request (workflow, parameters, seed, owner, sample, simulation, submission)
        VALUES (1, '{}', 1, 'ann', 1, 1, gen_random_uuid()) RETURNING id
        """,
        returning: Int64.self
    )

    static func approve(_ request: Int64) -> SQL {
        "UPDATE request SET state = 'approved', version = 2 WHERE id = \(request)"
    }

    /// Its tasks, in this order: make, merge, cut. A job of the first makes 10 events; what is given up is no failure.
    static func tasks(request: Int64, jobs: Int64) -> Statement<Int64> {
        Statement(
            "fuzz.tasks",
            """
            INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job, allowed_loss)
            SELECT \(request), v.name, v.position, v.kind, 1, 100, '{}', v.jobs, v.jobs * 10, v.per_job, 1
            FROM (VALUES ('make', 0, 'generate', \(jobs)::bigint, 10::bigint), ('merge', 1, 'merge', NULL, NULL),
                         ('cut', 2, 'process', NULL, 4)) AS v(name, position, kind, jobs, per_job)
            ORDER BY v.position RETURNING id
            """,
            returning: Int64.self
        )
    }

    /// What a task writes, and the dataset of each stream. The first stream is its main one.
    static func streams(_ task: FuzzTask) -> [SQL] {
        let names = task.streams.map(\.name)
        let subscribed = task.streams.filter(\.isSubscribed).map { task.dataset($0.name) }
        return [
            "SELECT make_partitions(\(task.id))",
            """
            INSERT INTO task_stream (task, stream, counted, main)
            SELECT \(task.id), s.name, s.counted, s.position = 1
            FROM unnest(\(names), \(task.streams.map(\.counted))) WITH ORDINALITY AS s(name, counted, position)
            """,
            """
            INSERT INTO dataset (name, task, stream, home)
            SELECT s.dataset, \(task.id), s.name, 'HOME' FROM unnest(\(names), \(names.map(task.dataset))) AS s(name, dataset)
            """,
            """
            INSERT INTO subscription (dataset, storage, who)
            SELECT id, 'FAR', 'ann' FROM dataset WHERE name = ANY(\(subscribed))
            """,
        ]
    }

    static func reads(_ task: Int64, from parent: Int64) -> SQL {
        "INSERT INTO task_input (task, position, parent, stream) VALUES (\(task), 0, \(parent), 's0')"
    }
}
