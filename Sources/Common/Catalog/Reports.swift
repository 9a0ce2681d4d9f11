package import Domain
package import Postgres

/// What the Monitor reads and writes about attempts that run, fail, are lost or cancelled.
package enum ReportStatements {
    /// The leases of these jobs, locked in key order: task, index, attempt, token, state, sequence, holder, site.
    package static func lockLeases(
        _ jobs: [JobKey]
    ) -> Statement<Int64, Int64, Int32, UUIDText, String, Int64, Int32, String> {
        Statement(
            "reports.lockLeases",
            """
            SELECT l.task, l.index, l.attempt, l.token, l.state, l.sequence, l.holder, l.site
            FROM (SELECT * FROM unnest(\(jobs.map(\.task)), \(jobs.map(\.index))) AS i(task, index) ORDER BY task, index OFFSET 0) i
            CROSS JOIN LATERAL (
                SELECT * FROM lease l WHERE l.task = i.task AND l.index = i.index OFFSET 0 FOR NO KEY UPDATE) l
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            UUIDText.self,
            String.self,
            Int64.self,
            Int32.self,
            String.self
        )
    }

    /// The jobs, locked in key order: task, index, state, counted failures, expected events.
    package static func lockJobs(_ jobs: [JobKey]) -> Statement<Int64, Int64, String, Int32, Int64> {
        Statement(
            "reports.lockJobs",
            """
            SELECT j.task, j.index, j.state, j.failures, j.events_expected
            FROM (SELECT * FROM unnest(\(jobs.map(\.task)), \(jobs.map(\.index))) AS i(task, index) ORDER BY task, index OFFSET 0) i
            CROSS JOIN LATERAL (
                SELECT * FROM job j WHERE j.task = i.task AND j.index = i.index OFFSET 0 FOR NO KEY UPDATE) j
            """,
            returning: Int64.self,
            Int64.self,
            String.self,
            Int32.self,
            Int64.self
        )
    }

    /// A report that an attempt runs a step. The caller has checked token and sequence under the lease's lock.
    package struct Running: Sendable {
        package let key: AttemptKey
        package let sequence: Int64
        package let step: String
        package let node: String
        package let batchID: String?
        package let at: Moment

        package init(key: AttemptKey, sequence: Int64, step: String, node: String, batchID: String?, at: Moment) {
            self.key = key
            self.sequence = sequence
            self.step = step
            self.node = node
            self.batchID = batchID
            self.at = at
        }
    }

    /// No condition on `started_at`: the planner takes it for one that leaves few rows, and then reads the whole table for each
    /// report (225 ms instead of 10 for 200 of them, measured with 20,000 attempts).
    package static func running(_ reports: [Running]) -> [SQL] {
        [
            """
            UPDATE lease l SET state = 'running', sequence = i.sequence, step = i.step,
                version = l.version + CASE WHEN l.state = 'running' THEN 0 ELSE 1 END
            FROM unnest(\(reports.map(\.key.task)), \(reports.map(\.key.index)), \(reports.map(\.sequence)), \(reports.map(\.step)))
                 AS i(task, index, sequence, step)
            WHERE l.task = i.task AND l.index = i.index
            """,
            """
            UPDATE attempt a SET started_at = coalesce(a.started_at, i.at), node = i.node, batch_id = coalesce(i.batch_id, a.batch_id)
            FROM unnest(\(reports.map(\.key.task)), \(reports.map(\.key.index)), \(reports.map { Int32($0.key.attempt) }),
                        \(reports.map(\.at)), \(reports.map(\.node)), \(reports.map(\.batchID)))
                 AS i(task, index, attempt, at, node, batch_id)
            WHERE a.task = i.task AND a.index = i.index AND a.attempt = i.attempt
            """,
        ]
    }

    /// In which batch submission an attempt went.
    package struct Submitted: Sendable {
        package let key: AttemptKey
        package let token: UUIDText
        package let submission: String
        package let batchID: String?

        package init(key: AttemptKey, token: UUIDText, submission: String, batchID: String? = nil) {
            self.key = key
            self.token = token
            self.submission = submission
            self.batchID = batchID
        }
    }

    /// Notes in which batch submission attempts went. Once for each attempt: the sums stay right when a report comes again.
    package static func submitted(_ words: [Submitted]) -> SQL {
        """
        WITH i AS MATERIALIZED (
            SELECT * FROM unnest(\(words.map(\.key.task)), \(words.map(\.key.index)), \(words.map { Int32($0.key.attempt) }),
                                 \(words.map(\.token)), \(words.map(\.submission)), \(words.map(\.batchID))) AS i(task, index, attempt, token, name, batch)
        ), a AS MATERIALIZED (
            SELECT a.task, a.index, a.attempt, a.site, a.agent, i.name, i.batch, u.files FROM i CROSS JOIN LATERAL (
                SELECT a.* FROM attempt a WHERE a.task = i.task AND a.index = i.index AND a.attempt = i.attempt AND a.token = i.token
                  AND a.submission IS NULL FOR NO KEY UPDATE OFFSET 0
            ) a CROSS JOIN LATERAL (
                SELECT count(DISTINCT u.file) AS files FROM (
                    SELECT u.file FROM unit_input u WHERE \(fragment: UnitInputs.areOfJob(task: "i.task", index: "i.index")) OFFSET 0) u) u
        ), s AS (
            INSERT INTO batch_submission AS b (site, agent, name, task, attempts, input_files)
            SELECT site, agent, name, task, count(*), sum(files) FROM a GROUP BY site, agent, name, task ORDER BY task, site, agent, name
            ON CONFLICT (task, site, agent, name) DO UPDATE SET attempts = b.attempts + excluded.attempts,
                input_files = b.input_files + excluded.input_files
            RETURNING b.id, b.site, b.agent, b.name, b.task
        )
        UPDATE attempt t SET submission = s.id, batch_id = coalesce(t.batch_id, a.batch)
        FROM a JOIN s ON s.task = a.task AND s.site = a.site AND s.agent = a.agent AND s.name = a.name
        WHERE t.task = a.task AND t.index = a.index AND t.attempt = a.attempt
        """
    }

    /// How an attempt ended other than well.
    package struct Ended: Sendable {
        package let key: AttemptKey
        /// failed, lost or cancelled.
        package let state: AttemptState
        package let node: String?
        package let code: Int?
        package let blame: String?
        package let diagnostic: String?
        package let failures: JSONText?
        package let steps: JSONText?
        package let tail: String?
        package let cpuSeconds: Double?
        package let wallSeconds: Double?
        package let memoryPeak: Int64?
        package let cause: String

        package init(
            key: AttemptKey,
            state: AttemptState,
            node: String? = nil,
            code: Int? = nil,
            blame: String? = nil,
            diagnostic: String? = nil,
            failures: JSONText? = nil,
            steps: JSONText? = nil,
            tail: String? = nil,
            cpuSeconds: Double? = nil,
            wallSeconds: Double? = nil,
            memoryPeak: Int64? = nil,
            cause: String
        ) {
            self.key = key
            self.state = state
            self.node = node
            self.code = code
            self.blame = blame
            self.diagnostic = diagnostic
            self.failures = failures
            self.steps = steps
            self.tail = tail
            self.cpuSeconds = cpuSeconds
            self.wallSeconds = wallSeconds
            self.memoryPeak = memoryPeak
            self.cause = cause
        }
    }

    /// Ends attempts: the lease goes, the attempt keeps how it ended. The caller holds the locks of job and lease. What is written is
    /// handed on by the rows that go: joined with the batch once more, each would be compared with all.
    package static func end(_ ended: [Ended]) -> SQL {
        """
        WITH i AS MATERIALIZED (
            SELECT * FROM unnest(\(ended.map(\.key.task)), \(ended.map(\.key.index)), \(ended.map { Int32($0.key.attempt) }),
                \(ended.map(\.state.rawValue)), \(ended.map(\.node)), \(ended.map { $0.code.map(Int32.init(clamping:)) }), \(ended.map(\.blame)),
                \(ended.map(\.diagnostic)), \(ended.map(\.failures)), \(ended.map(\.steps)), \(ended.map(\.tail)), \(ended.map(\.cpuSeconds)),
                \(ended.map(\.wallSeconds)), \(ended.map(\.memoryPeak)), \(ended.map(\.cause)))
            AS i(task, index, attempt, state, node, code, blame, diagnostic, failures, steps, log, cpu, wall, memory, cause)
        ), l AS (
            DELETE FROM lease l USING i WHERE l.task = i.task AND l.index = i.index AND l.attempt = i.attempt
            RETURNING i.*, l.state AS left_from, l.version, l.step
        )
        UPDATE attempt a SET state = l.state, left_from = l.left_from, version = l.version + 1, ended_at = clock_timestamp(),
            node = coalesce(l.node, a.node), code = l.code, blame = l.blame, diagnostic = l.diagnostic, failures = l.failures,
            steps = l.steps, log = l.log, cpu_seconds = l.cpu, wall_seconds = l.wall, memory_peak = l.memory, step = l.step,
            cause = l.cause
        FROM l WHERE a.task = l.task AND a.index = l.index AND a.attempt = l.attempt
        """
    }

    /// Moves jobs, with the reason of each. The caller holds their locks.
    package static func moveJobs(_ moves: [(job: JobKey, to: JobState, counted: Bool, cause: String)]) -> SQL {
        """
        UPDATE job j SET state = i.state, version = j.version + 1, failures = j.failures + i.counted, cause = i.cause, who = NULL
        FROM unnest(\(moves.map(\.job.task)), \(moves.map(\.job.index)), \(moves.map(\.to.rawValue)),
                    \(moves.map { Int32($0.counted ? 1 : 0) }), \(moves.map(\.cause))) AS i(task, index, state, counted, cause)
        WHERE j.task = i.task AND j.index = i.index
        """
    }

    /// Names of the sites that get work.
    package static let allowedSites = Statement<String>(
        "reports.allowedSites",
        """
        SELECT s.name FROM site s WHERE s.access = 'allowed'
          AND EXISTS (SELECT 1 FROM agent_session a WHERE a.site = s.name AND a.state = 'here') ORDER BY s.name
        """,
        returning: String.self
    )

    /// One verdict for one failed attempt, with the site and node it failed at.
    package struct NewVerdict: Sendable {
        package let key: AttemptKey
        package let site: String
        package let node: String?
        package let verdict: Verdict
        package let at: Moment
        package let notBefore: Moment?
        package let changes: JSONText

        package init(
            key: AttemptKey,
            site: String,
            node: String?,
            verdict: Verdict,
            at: Moment,
            notBefore: Moment?,
            changes: JSONText
        ) {
            self.key = key
            self.site = site
            self.node = node
            self.verdict = verdict
            self.at = at
            self.notBefore = notBefore
            self.changes = changes
        }
    }

    /// The key refuses a second verdict for an attempt.
    package static func insertVerdicts(_ verdicts: [NewVerdict]) -> SQL {
        """
        INSERT INTO verdict (task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted,
                             at, not_before, changes, blame_rule, observed)
        SELECT task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, at,
               not_before, changes, blame_rule, string_to_array(observed, ',')
        FROM unnest(\(verdicts.map(\.key.task)), \(verdicts.map(\.key.index)), \(verdicts.map { Int32($0.key.attempt) }),
            \(verdicts.map(\.site)), \(verdicts.map(\.node)), \(verdicts.map(\.verdict.action.rawValue)),
            \(verdicts.map { FailureLayer(rawValue: $0.verdict.code / 1000)?.name ?? "unknown" }),
            \(verdicts.map(\.verdict.blame.rawValue)), \(verdicts.map { Int32(clamping: $0.verdict.code) }),
            \(verdicts.map(\.verdict.diagnostic)), \(verdicts.map(\.verdict.fingerprint)), \(verdicts.map(\.verdict.rule)),
            \(verdicts.map(\.verdict.reason)), \(verdicts.map(\.verdict.counted)), \(verdicts.map(\.at)), \(verdicts.map(\.notBefore)),
            \(verdicts.map(\.changes)), \(verdicts.map(\.verdict.blameRule)),
            \(verdicts.map { $0.verdict.observed.joined(separator: ",") }))
            AS i(task, index, attempt, site, node, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted, at,
                 not_before, changes, blame_rule, observed)
        """
    }

    /// Failed attempts without a verdict: refused by the books, their message on its way or lost. Task, index, attempt, site,
    /// node, failures.
    package static func withoutVerdict(
        _ attempts: [AttemptKey]
    ) -> Statement<Int64, Int64, Int32, String, String?, JSONText?> {
        Statement(
            "reports.withoutVerdict",
            """
            SELECT a.task, a.index, a.attempt, a.site, a.node, a.failures
            FROM unnest(\(attempts.map(\.task)), \(attempts.map(\.index)), \(attempts.map { Int32($0.attempt) })) AS i(task, index, attempt)
            JOIN attempt a ON a.task = i.task AND a.index = i.index AND a.attempt = i.attempt
            WHERE a.state = 'failed' AND NOT EXISTS (
                SELECT 1 FROM verdict v WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt)
            ORDER BY a.task, a.index
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self,
            String.self,
            String?.self,
            JSONText?.self
        )
    }

    /// Attempts the books refused some time ago and that have no verdict yet: what the sweep looks for.
    package static func forgottenRejections(seconds: Double) -> Statement<Int64, Int64, Int32> {
        Statement(
            "reports.forgottenRejections",
            """
            SELECT a.task, a.index, a.attempt FROM uncounted u CROSS JOIN LATERAL (
                SELECT * FROM attempt a WHERE a.task = u.task AND a.index = u.index AND a.attempt = u.attempt OFFSET 0
            ) a
            WHERE a.state = 'failed' AND a.ended_at < statement_timestamp() - make_interval(secs => \(seconds))
              AND a.ended_at > statement_timestamp() - interval '7 days' AND NOT (SELECT EXISTS (
                SELECT 1 FROM verdict v WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt))
            ORDER BY a.ended_at LIMIT 500
            """,
            returning: Int64.self,
            Int64.self,
            Int32.self
        )
    }

    /// How far attempts are; an older word does not replace a newer one.
    package static func progress(
        _ words: [(key: AttemptKey, step: String, fraction: Double?, metrics: JSONText?, tail: String?, at: Moment)]
    ) -> SQL {
        """
        INSERT INTO progress AS p (task, index, attempt, step, fraction, metrics, tail, at)
        SELECT i.* FROM unnest(\(words.map(\.key.task)), \(words.map(\.key.index)), \(words.map { Int32($0.key.attempt) }),
            \(words.map(\.step)), \(words.map(\.fraction)), \(words.map(\.metrics)), \(words.map(\.tail)), \(words.map(\.at)))
            AS i(task, index, attempt, step, fraction, metrics, tail, at)
        ORDER BY i.task, i.index
        ON CONFLICT (task, index) DO UPDATE SET attempt = excluded.attempt, step = excluded.step,
            fraction = coalesce(excluded.fraction, p.fraction), metrics = coalesce(excluded.metrics, p.metrics), tail = excluded.tail,
            at = excluded.at
        WHERE (p.attempt, p.at) < (excluded.attempt, excluded.at)
        """
    }

    /// Words of attempts that no longer run.
    package static let forgetProgress: SQL = """
        DELETE FROM progress p WHERE p.at < now() - interval '10 minutes'
          AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.task = p.task AND l.index = p.index)
        """

    static var examples: [AnyStatement] {
        [
            Command("reports.progress", Self.progress([])).erased,
            Command("reports.forgetProgress", Self.forgetProgress).erased,
            Self.lockLeases([]).erased, Self.lockJobs([]).erased,
            Command("reports.running.0", Self.running([])[0]).erased,
            Command("reports.running.1", Self.running([])[1]).erased,
            Command("reports.submitted", Self.submitted([])).erased, Command("reports.end", Self.end([])).erased,
            Command("reports.moveJobs", Self.moveJobs([])).erased,
            Command("reports.cancelJobs", Self.cancelJobs([])).erased, Self.allowedSites.erased,
            Command("reports.insertVerdicts", Self.insertVerdicts([])).erased,
            Self.withoutVerdict([]).erased, Self.forgottenRejections(seconds: 1).erased,
        ]
    }
}
