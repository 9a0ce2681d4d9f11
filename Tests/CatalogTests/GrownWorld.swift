import Catalog
import Domain
import Postgres

/// A catalogue with one large running task: 60,000 jobs done with their files, 1,000 active, 500 recovering, 3,000 waiting again
/// after a failure, 10 million in ranges; 30,000 transfers. Filled with triggers off, and never analysed.
enum GrownWorld {
    static let batch: Int64 = 200

    static let script: [String] = [
        """
        SET search_path = millrace, public;
        SET session_replication_role = replica;
        -- Nobody analyses them, however long this takes.
        DO $$ DECLARE t regclass; BEGIN
            FOR t IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'millrace'::regnamespace AND c.relkind = 'r' LOOP
                EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', t);
            END LOOP;
        END $$;
        INSERT INTO site (name) VALUES ('LOCAL');
        INSERT INTO storage_element (name, site, kind, base) VALUES ('DISK', 'LOCAL', 'posix', '/disk'), ('HOME', NULL, 'posix', '/home');
        INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('w', 1, '{}', repeat('0', 64), 'ann');
        INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
        VALUES (1, 1000, 3600, 1000, 'any', '{}', '{}', '{}');
        INSERT INTO agent_session (site, agent, session, sequence, reply_to, room, cores, memory_mb, walltime_s, disk_mb, platform, tags,
                                   storage, last_seen)
        SELECT 'LOCAL', 'a' || n, gen_random_uuid(), 1, 'site.LOCAL.a' || n, 8, 1, 1000, 3600, 1000, 'any', '{}', '{DISK,HOME}', now()
        FROM generate_series(1, 4) n;
        INSERT INTO request (workflow, parameters, seed, owner, state, submission) VALUES (1, '{}', 1, 'ann', 'running', gen_random_uuid());
        INSERT INTO task (request, name, position, kind, class, priority, spec, jobs_total, events_total, events_per_job, state)
        VALUES (1, 'make', 0, 'generate', 1, 100, '{}', 10000000, 100000000, 10, 'running'),
               (1, 'merge', 1, 'merge', 1, 100, '{}', NULL, NULL, NULL, 'waiting');
        INSERT INTO task (request, name, position, kind, class, priority, spec, state, continues)
        VALUES (1, 'again', 2, 'process', 1, 100, '{}', 'waiting', 1);
        INSERT INTO task_stream (task, stream, counted, main) VALUES (1, 'out', true, true), (2, 'out', true, true);
        INSERT INTO dataset (name, task, stream, home) VALUES ('made', 1, 'out', 'HOME'), ('merged', 2, 'out', 'HOME');
        INSERT INTO task_input (task, position, parent, stream) VALUES (2, 0, 1, 'out');
        """,
        """
        SET search_path = millrace, public;
        SET session_replication_role = replica;
        INSERT INTO job (task, index, events_expected, state, attempts, failures)
        SELECT 1, n, 10, CASE WHEN n < 60000 THEN 'done' WHEN n < 61000 THEN 'active' WHEN n < 61500 THEN 'recovering' ELSE 'waiting' END,
               1, (n >= 61000)::int
        FROM generate_series(0, 64499) n;
        INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected, events_read, state, left_from, ended_at, started_at, code)
        SELECT 1, n, 1, md5(n::text)::uuid, 'LOCAL', 'a1', 10, CASE WHEN n < 60000 THEN 10 END,
               CASE WHEN n < 60000 THEN 'done' WHEN n >= 61000 THEN 'failed' END, CASE WHEN n < 60000 OR n >= 61000 THEN 'running' END,
               CASE WHEN n < 60000 OR n >= 61000 THEN now() END, now(), CASE WHEN n >= 61000 THEN 1001 END
        FROM generate_series(0, 64499) n;
        INSERT INTO lease (task, index, attempt, holder, token, site, state)
        SELECT 1, n, 1, 1 + n % 4, md5(n::text)::uuid, 'LOCAL', CASE WHEN n < 60500 THEN 'leased' ELSE 'running' END
        FROM generate_series(60000, 60999) n;
        INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, task, index, attempt, site) OVERRIDING SYSTEM VALUE
        SELECT n + 1, '/made/' || n, 5, '00000001', '00000001', 10, 1, n, 1, 'LOCAL' FROM generate_series(0, 59999) n;
        SELECT setval('file_id_seq', 60001);
        INSERT INTO replica (file, storage, state) SELECT n, s, 'available' FROM generate_series(1, 60000) n, unnest('{DISK,HOME}'::text[]) s;
        INSERT INTO output (task, index, attempt, stream, events, counted, file) SELECT 1, n, 1, 'out', 10, true, n + 1 FROM generate_series(0, 59999) n;
        INSERT INTO winner (task, index, attempt) SELECT 1, n, 1 FROM generate_series(0, 59999) n;
        INSERT INTO accepted (task, index, stream, attempt, events) SELECT 1, n, 'out', 1, 10 FROM generate_series(0, 59999) n;
        INSERT INTO dataset_file (dataset, file) SELECT 1, n FROM generate_series(1, 60000) n;
        INSERT INTO unit_input (task, index, file, slice) SELECT 1, n, 1 + n % 60000, int8range(n, n + 10) FROM generate_series(0, 64499) n;
        INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, carried_out_at)
        SELECT 1, n, 1, 'LOCAL', 'resubmit', 'payload', 'payload', 1001, 'd', 'f', 'payload', 'r', true, CASE WHEN n >= 61500 THEN now() END
        FROM generate_series(61000, 64499) n;
        -- Failures that have a verdict, and more that have none.
        INSERT INTO uncounted (task, index, attempt) SELECT 1, n, 1 FROM generate_series(64000, 68000) n;
        INSERT INTO waiting (task, first, last, class, priority) SELECT 1, n, n, 1, 100 FROM generate_series(61500, 64499) n;
        INSERT INTO waiting (task, first, last, class, priority)
        SELECT 1, 100000 + n * 600000, 699999 + n * 600000, 1, 100 FROM generate_series(0, 15) n;
        INSERT INTO transfer (file, source, destination, state) SELECT n, 'DISK', 'HOME', CASE WHEN n < 29500 THEN 'done' ELSE 'queued' END
        FROM generate_series(1, 30000) n;
        INSERT INTO transition (kind, entity, version, to_state, who, route)
        SELECT 'file', 'file:/made/' || n, 1, 'registered', 'x', 'file.registered' FROM generate_series(0, 99999) n;
        INSERT INTO task_counter (task, slot, active, done, recovering, events) VALUES (1, 0, 1000, 60000, 500, 600000);
        """,
    ]

    private static let active: [AttemptKey] = (60_000..<60_000 + Self.batch).map {
        AttemptKey(task: 1, index: $0, attempt: 1)
    }
    private static let first = Array(0..<Self.batch)
    private static let recovering: [AttemptKey] = (61_000..<61_000 + Self.batch).map {
        AttemptKey(task: 1, index: $0, attempt: 1)
    }
    private static let again: [AttemptKey] = (61_500..<61_500 + Self.batch).map {
        AttemptKey(task: 1, index: $0, attempt: 1)
    }

    /// What each service does to a batch, in the order in which it does it.
    static var hot: [(name: String, statements: [SQL])] { Self.leasing + Self.reports + Self.books + Self.rest }

    private static var leasing: [(name: String, statements: [SQL])] {
        let fresh = (100_000..<100_000 + Self.batch).map {
            NewLease(job: JobKey(task: 1, index: $0), holder: 1, site: "LOCAL", agent: "a1", token: .random())
        }
        let old = Self.again.map { NewLease(job: $0.job, holder: 1, site: "LOCAL", agent: "a1", token: .random()) }
        return [
            (
                "demand",
                [LeasingStatements.withRoom(after: 0, limit: 200).sql, LeasingStatements.openDemand([1, 2, 3, 4]).sql]
            ),
            (
                "candidates",
                [
                    LeasingStatements.candidates(classes: [1], site: "LOCAL", node: "n1", perClass: 64, patient: false)
                        .sql
                ]
            ),
            (
                "patient candidates",
                [LeasingStatements.candidates(classes: [1], site: "LOCAL", node: "n1", perClass: 64, patient: true).sql]
            ),
            (
                "reservations",
                [
                    LeasingStatements.reserving.sql, LeasingStatements.reservedInVain.sql,
                    LeasingStatements.agentsHere.sql,
                    LeasingStatements.running([1]).sql,
                ]
            ),
            ("still waiting", [LeasingStatements.stillWaiting([(site: "LOCAL", class: 1, node: "n1")]).sql]),
            (
                "lease of new jobs",
                LeasingStatements.cut([Cut(task: 1, key: 100_000, rest: IndexRange(first: 100_200, last: 699_999))])
                    + [
                        LeasingStatements.lease(fresh).sql,
                        LeasingStatements.setRoom([.init(holder: 1, room: 0, offered: 4)]),
                    ]
            ),
            (
                "lease of jobs that waited again",
                LeasingStatements.cut(Self.again.map { Cut(task: 1, key: $0.index, rest: nil) }) + [
                    LeasingStatements.lease(old).sql
                ]
            ),
            ("inputs", [LeasingStatements.inputs(Self.active.map(\.job)).sql]),
            ("give back", [LeasingStatements.giveBack(Self.active.map { ($0, Self.token($0)) }).sql]),
            ("due", [LeasingStatements.makeDue, LeasingStatements.nextDue.sql]),
        ]
    }

    private static var reports: [(name: String, statements: [SQL])] {
        let now = Moment.now
        let ended = Self.active.map {
            ReportStatements.Ended(
                key: $0,
                state: .failed,
                code: 1001,
                blame: "payload",
                diagnostic: "d",
                cause: "payloadExit"
            )
        }
        return [
            (
                "locks",
                [
                    ReportStatements.lockJobs(Self.active.map(\.job)).sql,
                    ReportStatements.lockLeases(Self.active.map(\.job)).sql,
                ]
            ),
            (
                "running",
                ReportStatements.running(
                    Self.active.map { .init(key: $0, sequence: 1, step: "make", node: "n", batchID: nil, at: now) }
                )
            ),
            (
                "failed",
                [
                    FailureFactStatements.history(Self.active.map(\.job)).sql,
                    FailureFactStatements.jobs(Self.active.map(\.job)).sql, FailureFactStatements.raised([1]).sql,
                    ReportStatements.end(ended),
                    ReportStatements.moveJobs(Self.active.map { ($0.job, .recovering, true, "x") }),
                    """
                    INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted)
                    SELECT task, index, attempt, site, 'resubmit', 'payload', 'payload', 1001, 'd', 'f', 'payload', 'r', true
                    FROM unnest(\(Self.active.map(\.task)), \(Self.active.map(\.index))) AS i(task, index) CROSS JOIN LATERAL (
                        SELECT a.attempt, a.site FROM attempt a WHERE a.task = i.task AND a.index = i.index AND a.attempt = 1 OFFSET 0) a
                    """,
                ]
            ),
            (
                "failure sums",
                [TallyStatements.failuresWait.sql, TallyStatements.countFailures(most: Int(Self.batch)).sql]
            ),
            (
                "submitted",
                [
                    ReportStatements.submitted(
                        Self.active.map { .init(key: $0, token: Self.token($0), submission: "grid job") }
                    )
                ]
            ),
            (
                "suspicions",
                [
                    SuspicionStatements.inputs(
                        Self.active.map { .init(key: $0, site: "LOCAL", code: 1001, diagnostic: "d") }
                    ).sql
                ]
            ),
            ("without verdict", [ReportStatements.withoutVerdict(Self.active).sql]),
            ("forgotten rejections", [ReportStatements.forgottenRejections(seconds: 5).sql]),
            (
                "progress",
                [
                    ReportStatements.progress(Self.active.map { ($0, "make", 0.5, nil, nil, now) }),
                    ReportStatements.forgetProgress,
                ]
            ),
            (
                "verdicts",
                [
                    VerdictStatements.open(Self.recovering).sql,
                    VerdictStatements.wait(
                        Self.recovering.map { .init(job: $0.job, notBefore: nil, classID: 1) }
                    ),
                    ReportStatements.moveJobs(Self.recovering.map { ($0.job, .waiting, false, "x") }),
                    VerdictStatements.carriedOut(Self.recovering),
                ]
            ),
            ("overdue verdicts", [VerdictStatements.overdue(seconds: -5).sql]),
        ]
    }

    /// The whole life of a batch of jobs that have nothing before them.
    static var life: [SQL] {
        let keys = (200_000..<200_000 + Self.batch).map { AttemptKey(task: 1, index: $0, attempt: 1) }
        let leases = keys.map { NewLease(job: $0.job, holder: 1, site: "LOCAL", agent: "a1", token: .random()) }
        let now = Moment.now
        let running = keys.map {
            ReportStatements.Running(key: $0, sequence: 1, step: "make", node: "n", batchID: nil, at: now)
        }
        return [LeasingStatements.lease(leases).sql] + ReportStatements.running(running)
            + [AcceptStatements.accept(Self.acceptances(keys)).sql]
    }

    private static var books: [(name: String, statements: [SQL])] {
        let batch = Self.acceptances(Self.active)
        return [
            ("a whole life", Self.life), ("accept", [AcceptStatements.accept(batch).sql]),
            (
                "taken",
                [
                    AcceptStatements.taken(Self.active.map { "/new/\($0)" }).sql,
                    LateStatements.ends(Self.active).sql,
                    AcceptStatements.slices(Self.active.map(\.job)).sql,
                    AcceptStatements.firstEvents(Self.active.map(\.job)).sql,
                ]
            ),
        ]
    }

    private static func acceptances(_ keys: [AttemptKey]) -> [Acceptance] {
        let now = Moment.now
        return keys.map { key in
            Acceptance(
                key: key,
                site: "LOCAL",
                node: "n",
                eventsRead: 10,
                started: now,
                finished: now,
                software: nil,
                cpuSeconds: 0,
                wallSeconds: 0,
                memoryPeak: 0,
                steps: JSONText("[]"),
                outputs: [
                    .init(
                        stream: "out",
                        events: 10,
                        counted: true,
                        file: .init(
                            lfn: "/new/\(key)",
                            bytes: 5,
                            adler32: "00000001",
                            crc32c: "00000001",
                            storage: "DISK"
                        )
                    )
                ]
            )
        }
    }

    private static var rest: [(name: String, statements: [SQL])] {
        [
            ("transfers", [TransferStatements.lease(destination: "HOME", worker: "w", seconds: 60, limit: 50).sql]),
            ("expired transfers", [TransferStatements.expire, TransferStatements.dueDestinations.sql]),
            (
                "heartbeats",
                [
                    SessionStatements.beat(
                        (1...4).map {
                            .init(
                                site: "LOCAL",
                                agent: "a\($0)",
                                session: .random(),
                                held: HeldSummary(count: 0, hash: 0),
                                staying: true
                            )
                        }
                    ).sql, SessionStatements.missing(holder: 1, held: Self.active, olderThanSeconds: 0).sql,
                    SessionStatements.foreign(holder: 1, held: Self.active).sql,
                ]
            ),
            ("kills", [SessionStatements.kills(holders: [1, 2, 3, 4]).sql]),
            ("feed", [FeedStatements.lastID.sql, FeedStatements.rows(after: 50_000, through: 50_500).sql]),
            ("settling", [SettlingStatements.open.sql, SettlingStatements.progress([1]).sql]),
            (
                "recovery of a page",
                [
                    RecoveryFacts.page(1, after: 59_899, size: Int(Self.batch)).sql,
                    RecoveryFacts.doubtful(1, after: 59_899, through: 60_099).sql,
                    RecoveryFacts.of(1, Array(60_000..<60_000 + Self.batch)).sql,
                ]
            ),
            (
                "files of a clean-up",
                [
                    // Request 1 runs and reads what a query found.
                    "INSERT INTO task_input (task, position, query) VALUES (1, 0, 'bytes > 1')",
                    CleanupStatements.inOrder,
                    CleanupStatements.lockFiles(1, after: 30_000, limit: Int(Self.batch)).sql,
                    CleanupStatements.read(Self.first.map { $0 + 1 }, notBy: 9).sql,
                ]
            ),
            (
                "withdrawal and another wait",
                [RecoveryStatements.lockFiles(1, Self.first).sql]
                    + RecoveryStatements.withdraw(
                        1,
                        Self.first,
                        files: Self.first.map { $0 + 1 },
                        who: "x",
                        cause: "x",
                        graceSeconds: 1
                    ) + [
                        RecoveryStatements.move(1, Self.first.map { ($0, "x") }, to: .waiting, who: "x"),
                        RecoveryStatements.wait(1, Self.first),
                    ]
            ),
            (
                "what was read before",
                [
                    ContinuingStatements.read(before: 3, of: Self.first.map { $0 + 1 }).sql,
                    DerivedStatements.made(in: "merged", of: Self.first.map { $0 + 1 }).sql,
                ]
            ),
            ("silence", [SessionStatements.silence(connectedSeconds: 1000).sql]),
        ]
    }

    private static func token(_ key: AttemptKey) -> UUIDText { .random() }
}
