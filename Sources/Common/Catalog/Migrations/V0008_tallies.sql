-- The catalogue, part 8: sums by time. Whole minutes and whole hours of what ended, so that no question about a day reads its attempts.
--
-- Each change is added to its minute ('m') and to its hour ('h') at once: a window is its first minute, not whole, from the rows themselves,
-- then minutes up to the next hour, then hours. Minutes are kept for eight days; a window that began before that reads the rest of its
-- first hour from the rows. Sums are whole numbers (times in microseconds): what was added and taken away again leaves nothing.

CREATE FUNCTION wall_us(reported double precision, started timestamptz, ended timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(greatest(coalesce(reported, extract(epoch FROM ended - started)::double precision, 0), 0) * 1000000)::bigint
$$;

-- The minute or hour of a moment.
CREATE FUNCTION grain_of(grain "char", at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date_bin(CASE grain WHEN 'h' THEN interval '1 hour' ELSE interval '1 minute' END, at, timestamptz 'epoch')
$$;

-- The first minute or hour that begins then or later.
CREATE FUNCTION grain_from(grain "char", at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN grain_of(grain, at) = at THEN at
                ELSE grain_of(grain, at) + CASE grain WHEN 'h' THEN interval '1 hour' ELSE interval '1 minute' END END
$$;

-- How long minutes are kept.
CREATE FUNCTION minutes_kept() RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT interval '8 days' $$;

-- The first row of the log that was written then or later: its ids grow with its times but for what was written at once.
CREATE FUNCTION log_from(moment timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    low    bigint;
    high   bigint;
    middle bigint;
    seen   timestamptz;
BEGIN
    SELECT coalesce(min(id), 0), coalesce(max(id), 0) + 1 INTO low, high FROM transition;
    WHILE low < high LOOP
        middle := (low + high) / 2;
        SELECT x.at INTO seen FROM transition x WHERE x.id >= middle ORDER BY x.id LIMIT 1;
        IF seen < moment THEN low := middle + 1; ELSE high := middle; END IF;
    END LOOP;
    RETURN low;
END $$;

-- ---------------------------------------------------------------- what ended
-- Attempts that ended done, failed or lost, by the time at which they did. At most 16 rows, one per service slot, for each key; those of
-- past hours are folded into slot -1 now and then.
CREATE TABLE ended_total (
    grain    "char" NOT NULL CHECK (grain IN ('m', 'h')),
    at       timestamptz NOT NULL,
    task     bigint NOT NULL,
    site     text NOT NULL,
    slot     int NOT NULL,
    done     int NOT NULL DEFAULT 0,
    failed   int NOT NULL DEFAULT 0,      -- or lost
    events   bigint NOT NULL DEFAULT 0,   -- expected of those that are done
    done_us  bigint NOT NULL DEFAULT 0,   -- wall time of those that are done
    wall_us  bigint NOT NULL DEFAULT 0,   -- of all
    cpu_us   bigint NOT NULL DEFAULT 0,   -- CPU and wall time of those that told both
    told_us  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (grain, at, task, site, slot)
) WITH (fillfactor = 50);
CREATE INDEX ended_total_task ON ended_total (task);
CREATE INDEX ended_total_unfolded ON ended_total (at) WHERE slot <> -1;

-- Attempts that failed or were lost and are not in the sums of failures yet: those that have no verdict (refused by the books, and the
-- Monitor has not heard of it), and those whose verdict nobody has counted. Rows go with `count_failures` alone.
CREATE TABLE uncounted (
    task    bigint NOT NULL,
    index   bigint NOT NULL,
    attempt int NOT NULL,
    PRIMARY KEY (task, index, attempt)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Tasks of which something that is in the sums of failures was changed, by an administrator with SQL: `count_failures` counts them anew. A row
-- for each change, so that none meets another.
CREATE TABLE recount (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task bigint NOT NULL
);

-- Tasks that ever had an accepted output taken back: only these have outputs that are not accepted.
CREATE TABLE revoked_task (task bigint PRIMARY KEY);
CREATE FUNCTION note_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO revoked_task (task) SELECT DISTINCT task FROM o ORDER BY task ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER note_gone AFTER DELETE ON accepted REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION note_revoked();
INSERT INTO revoked_task (task)
SELECT DISTINCT o.task FROM output o WHERE NOT EXISTS (
    SELECT 1 FROM accepted a WHERE a.task = o.task AND a.index = o.index AND a.stream = o.stream AND a.attempt = o.attempt);

-- What is done about a failure is nearly always the same thing: the others have an index.
CREATE INDEX verdict_action ON verdict (action, at, task, index, attempt) WHERE action <> 'resubmit';

-- ---------------------------------------------------------------- failures
-- What is said of failures alike, once.
CREATE TABLE failure_kind (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    class       text NOT NULL,
    code        int NOT NULL,
    blame       text NOT NULL,
    fingerprint text NOT NULL,
    rule        text NOT NULL,
    UNIQUE (fingerprint, code, rule, blame, class)
);

-- Failures that have a verdict and were counted, by the time at which they ended. A job counts where the last of its failures of a group is: a window ends
-- now, so a job is among those of a group in the window exactly if that one is. It moves when the job fails again.
CREATE TABLE failure_total (
    grain            "char" NOT NULL CHECK (grain IN ('m', 'h')),
    at               timestamptz NOT NULL,
    task             bigint NOT NULL,
    site             text NOT NULL,
    kind             int NOT NULL,
    failures         int NOT NULL,
    lost_us          bigint NOT NULL,                     -- wall time
    jobs             int NOT NULL,                        -- whose last failure is here; of those of the same class, code, ...
    jobs_class       int NOT NULL,
    jobs_code        int NOT NULL,
    jobs_site        int NOT NULL,
    jobs_blame       int NOT NULL,
    jobs_fingerprint int NOT NULL,
    jobs_rule        int NOT NULL,
    first            timestamptz,
    last             timestamptz,
    index            bigint,                              -- the one that ended last
    attempt          int,
    PRIMARY KEY (grain, at, task, site, kind)
) WITH (fillfactor = 70);
CREATE INDEX failure_total_task ON failure_total (task);

-- One failure of a job.
CREATE TYPE failure_sample AS (at timestamptz, index bigint, attempt int);

-- The last failures of the three jobs that failed last, the rest NULL.
CREATE FUNCTION newest_three(samples failure_sample[]) RETURNS failure_sample[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (array_agg(t.one ORDER BY t.at DESC, t.index) || ARRAY[NULL, NULL, NULL]::failure_sample[])[1:3]
    FROM (SELECT j.one, j.at, j.index FROM (
              SELECT DISTINCT ON (s.index) ROW(s.at, s.index, s.attempt)::failure_sample AS one, s.at, s.index
              FROM unnest(samples) s WHERE s.index IS NOT NULL ORDER BY s.index, s.attempt DESC) j
          ORDER BY j.at DESC, j.index LIMIT 3) t
$$;

-- The same failures by task and place, of all time.
CREATE TABLE failure_place (
    task             bigint NOT NULL,
    kind             int NOT NULL,
    site             text NOT NULL,                       -- as the verdict says; node empty: none was named
    node             text NOT NULL,
    action           text NOT NULL,
    failures         int NOT NULL,
    lost_us          bigint NOT NULL,
    jobs_fingerprint int NOT NULL,                        -- as above
    jobs_place       int NOT NULL,                        -- of the same fingerprint, site and node
    first            timestamptz,
    last             timestamptz,
    newest           failure_sample[] NOT NULL,
    PRIMARY KEY (task, kind, site, node, action)
) WITH (fillfactor = 70);

-- What the rules did, by the time of the verdict.
CREATE TABLE rule_total (
    grain "char" NOT NULL CHECK (grain IN ('m', 'h')),
    at    timestamptz NOT NULL,
    task  bigint NOT NULL,
    rule  text NOT NULL,
    use   text NOT NULL CHECK (use IN ('decided', 'blamed', 'observed')),
    count int NOT NULL,
    last  timestamptz NOT NULL,
    PRIMARY KEY (grain, at, task, rule, use)
) WITH (fillfactor = 70);
CREATE INDEX rule_total_task ON rule_total (task);

-- How the job of a failure that is new (`fresh`) or was there counts for it now: whether one that is alike and was there (`old`), or is
-- new (`new`), comes after it.
CREATE FUNCTION moved_job(fresh boolean, old boolean, new boolean) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN coalesce(old, false) THEN 0 WHEN fresh THEN (NOT coalesce(new, false))::int ELSE -coalesce(new, false)::int END
$$;

-- Whether a failure is the one to be shown, rather than another.
CREATE FUNCTION is_newer(at timestamptz, index bigint, attempt int, than timestamptz, other_index bigint, other_attempt int) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT at IS NOT NULL AND (than IS NULL OR at > than OR at = than AND (index, attempt) < (other_index, other_attempt))
$$;

-- ---------------------------------------------------------------- counted anew from the rows
CREATE VIEW ended_counted AS
SELECT g.grain, grain_of(g.grain, a.ended_at) AS at, a.task, a.site, count(*) FILTER (WHERE a.state = 'done') AS done,
       count(*) FILTER (WHERE a.state <> 'done') AS failed,
       coalesce(sum(a.events_expected) FILTER (WHERE a.state = 'done'), 0)::bigint AS events,
       coalesce(sum(wall_us(a.wall_seconds, a.started_at, a.ended_at)) FILTER (WHERE a.state = 'done'), 0)::bigint AS done_us,
       sum(wall_us(a.wall_seconds, a.started_at, a.ended_at))::bigint AS wall_us,
       coalesce(sum(round(a.cpu_seconds * 1000000)) FILTER (WHERE a.wall_seconds IS NOT NULL), 0)::bigint AS cpu_us,
       coalesce(sum(round(a.wall_seconds * 1000000)) FILTER (WHERE a.cpu_seconds IS NOT NULL), 0)::bigint AS told_us
FROM attempt a CROSS JOIN (VALUES ('m'::"char"), ('h')) g(grain)
WHERE a.state IN ('done', 'failed', 'lost') GROUP BY 1, 2, 3, 4;

-- Failures that have a verdict and are not waiting to be counted, and where each job counts.
CREATE VIEW judged_failure AS
SELECT f.*,
       (row_number() OVER (PARTITION BY task, index ORDER BY ended_at DESC, attempt DESC) = 1)::int AS jobs,
       (row_number() OVER (PARTITION BY task, index, class ORDER BY ended_at DESC, attempt DESC) = 1)::int AS jobs_class,
       (row_number() OVER (PARTITION BY task, index, code ORDER BY ended_at DESC, attempt DESC) = 1)::int AS jobs_code,
       (row_number() OVER (PARTITION BY task, index, site ORDER BY ended_at DESC, attempt DESC) = 1)::int AS jobs_site,
       (row_number() OVER (PARTITION BY task, index, blame ORDER BY ended_at DESC, attempt DESC) = 1)::int AS jobs_blame,
       (row_number() OVER (PARTITION BY task, index, fingerprint ORDER BY ended_at DESC, attempt DESC) = 1)::int AS jobs_fingerprint,
       (row_number() OVER (PARTITION BY task, index, rule ORDER BY ended_at DESC, attempt DESC) = 1)::int AS jobs_rule,
       (row_number() OVER (PARTITION BY task, index, fingerprint, place, node ORDER BY ended_at DESC, attempt DESC) = 1)::int AS jobs_place
FROM (
    SELECT v.task, v.index, v.attempt, a.site, v.site AS place, coalesce(v.node, '') AS node, v.class, v.code, v.blame, v.fingerprint, v.rule,
           v.action, a.ended_at, wall_us(a.wall_seconds, a.started_at, a.ended_at) AS lost_us
    FROM verdict v JOIN attempt a ON a.task = v.task AND a.index = v.index AND a.attempt = v.attempt
    WHERE a.state IN ('failed', 'lost')
      AND NOT EXISTS (SELECT 1 FROM uncounted u WHERE u.task = v.task AND u.index = v.index AND u.attempt = v.attempt)
) f;

CREATE VIEW failure_counted AS
SELECT g.grain, grain_of(g.grain, f.ended_at) AS at, f.task, f.site, k.id AS kind, count(*) AS failures, sum(f.lost_us)::bigint AS lost_us,
       sum(f.jobs) AS jobs, sum(f.jobs_class) AS jobs_class, sum(f.jobs_code) AS jobs_code, sum(f.jobs_site) AS jobs_site,
       sum(f.jobs_blame) AS jobs_blame, sum(f.jobs_fingerprint) AS jobs_fingerprint, sum(f.jobs_rule) AS jobs_rule, min(f.ended_at) AS first,
       max(f.ended_at) AS last, (array_agg(f.index ORDER BY f.ended_at DESC, f.index, f.attempt))[1] AS index,
       (array_agg(f.attempt ORDER BY f.ended_at DESC, f.index, f.attempt))[1] AS attempt
FROM judged_failure f
JOIN failure_kind k ON (k.fingerprint, k.code, k.rule, k.blame, k.class) = (f.fingerprint, f.code, f.rule, f.blame, f.class)
CROSS JOIN (VALUES ('m'::"char"), ('h')) g(grain) GROUP BY 1, 2, 3, 4, 5;

CREATE VIEW failure_place_counted AS
SELECT f.task, k.id AS kind, f.place AS site, f.node, f.action, count(*) AS failures, sum(f.lost_us)::bigint AS lost_us,
       sum(f.jobs_fingerprint) AS jobs_fingerprint, sum(f.jobs_place) AS jobs_place, min(f.ended_at) AS first, max(f.ended_at) AS last,
       newest_three(array_agg(ROW(f.ended_at, f.index, f.attempt)::failure_sample)) AS newest
FROM judged_failure f
JOIN failure_kind k ON (k.fingerprint, k.code, k.rule, k.blame, k.class) = (f.fingerprint, f.code, f.rule, f.blame, f.class)
GROUP BY 1, 2, 3, 4, 5;

CREATE VIEW rule_counted AS
SELECT g.grain, grain_of(g.grain, v.at) AS at, v.task, u.rule, u.use, count(*) AS count, max(v.at) AS last
FROM verdict v JOIN attempt a ON a.task = v.task AND a.index = v.index AND a.attempt = v.attempt AND a.state IN ('failed', 'lost')
CROSS JOIN LATERAL (
    SELECT v.rule, 'decided' AS use UNION ALL SELECT v.blame_rule, 'blamed' WHERE v.blame_rule IS NOT NULL
    UNION ALL SELECT o, 'observed' FROM unnest(v.observed) o) u
CROSS JOIN (VALUES ('m'::"char"), ('h')) g(grain)
WHERE NOT EXISTS (SELECT 1 FROM uncounted w WHERE w.task = v.task AND w.index = v.index AND w.attempt = v.attempt) GROUP BY 1, 2, 3, 4, 5;

-- Whoever changes the sums of failures, or what is uncounted of them, does so alone, until its transaction ends.
CREATE FUNCTION count_alone() RETURNS void LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock(7142, 3) $$;

-- The failures of tasks, but for those that wait to be counted.
CREATE FUNCTION count_failures_anew(tasks bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count_alone();
    DELETE FROM uncounted u WHERE u.task = ANY (tasks) AND NOT EXISTS (
        SELECT 1 FROM attempt a WHERE a.task = u.task AND a.index = u.index AND a.attempt = u.attempt AND a.state IN ('failed', 'lost'));
    INSERT INTO uncounted (task, index, attempt)
    SELECT a.task, a.index, a.attempt FROM attempt a WHERE a.task = ANY (tasks) AND a.state IN ('failed', 'lost')
       AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt)
    ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    DELETE FROM failure_total WHERE task = ANY (tasks);
    DELETE FROM failure_place WHERE task = ANY (tasks);
    INSERT INTO failure_kind (class, code, blame, fingerprint, rule)
    SELECT DISTINCT v.class, v.code, v.blame, v.fingerprint, v.rule FROM verdict v WHERE v.task = ANY (tasks) ORDER BY 4, 2, 5, 3, 1
    ON CONFLICT DO NOTHING;
    INSERT INTO failure_total (grain, at, task, site, kind, failures, lost_us, jobs, jobs_class, jobs_code, jobs_site, jobs_blame,
                               jobs_fingerprint, jobs_rule, first, last, index, attempt)
    SELECT c.grain, c.at, c.task, c.site, c.kind, c.failures, c.lost_us, c.jobs, c.jobs_class, c.jobs_code, c.jobs_site, c.jobs_blame,
           c.jobs_fingerprint, c.jobs_rule, c.first, c.last, c.index, c.attempt
    FROM failure_counted c WHERE c.task = ANY (tasks) AND (c.grain = 'h' OR c.at >= now() - minutes_kept());
    INSERT INTO failure_place (task, kind, site, node, action, failures, lost_us, jobs_fingerprint, jobs_place, first, last, newest)
    SELECT c.task, c.kind, c.site, c.node, c.action, c.failures, c.lost_us, c.jobs_fingerprint, c.jobs_place, c.first, c.last, c.newest
    FROM failure_place_counted c WHERE c.task = ANY (tasks);
    DELETE FROM rule_total WHERE task = ANY (tasks);
    INSERT INTO rule_total (grain, at, task, rule, use, count, last)
    SELECT c.grain, c.at, c.task, c.rule, c.use, c.count, c.last
    FROM rule_counted c WHERE c.task = ANY (tasks) AND (c.grain = 'h' OR c.at >= now() - minutes_kept());
END $$;

-- Everything of tasks whose rows came back, or that were never counted. Returns how many tasks.
CREATE FUNCTION count_tasks_anew(tasks bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ended_total WHERE task = ANY (tasks);
    INSERT INTO ended_total (grain, at, task, site, slot, done, failed, events, done_us, wall_us, cpu_us, told_us)
    SELECT c.grain, c.at, c.task, c.site, -1, c.done, c.failed, c.events, c.done_us, c.wall_us, c.cpu_us, c.told_us
    FROM ended_counted c WHERE c.task = ANY (tasks) AND (c.grain = 'h' OR c.at >= now() - minutes_kept());
    PERFORM count_alone();
    DELETE FROM uncounted WHERE task = ANY (tasks);
    PERFORM count_failures_anew(tasks);
    RETURN cardinality(tasks);
END $$;

-- All of a task that has gone into the archive. Returns its id.
CREATE FUNCTION forget_sums(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count_alone();
    DELETE FROM ended_total WHERE task = wanted;
    DELETE FROM uncounted WHERE task = wanted;
    DELETE FROM recount WHERE task = wanted;
    DELETE FROM failure_total WHERE task = wanted;
    DELETE FROM failure_place WHERE task = wanted;
    DELETE FROM rule_total WHERE task = wanted;
    RETURN wanted;
END $$;

-- ---------------------------------------------------------------- attempts that end
CREATE FUNCTION total_ended() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    -- Reports of what runs change attempts too: most statements end here.
    IF NOT EXISTS (SELECT 1 FROM n WHERE state IS NOT NULL) THEN RETURN NULL; END IF;
    INSERT INTO ended_total AS t (grain, at, task, site, slot, done, failed, events, done_us, wall_us, cpu_us, told_us)
    SELECT g.grain, grain_of(g.grain, x.minute), x.task, x.site, counter_slot(), sum(x.done), sum(x.failed), sum(x.events), sum(x.done_us),
           sum(x.wall_us), sum(x.cpu_us), sum(x.told_us)
    FROM (
        SELECT grain_of('m', a.ended_at) AS minute, a.task, a.site, sum(a.sign * (a.state = 'done')::int) AS done,
               sum(a.sign * (a.state <> 'done')::int) AS failed,
               sum(a.sign * CASE a.state WHEN 'done' THEN a.events_expected ELSE 0 END) AS events,
               sum(a.sign * CASE a.state WHEN 'done' THEN wall_us(a.wall_seconds, a.started_at, a.ended_at) ELSE 0 END) AS done_us,
               sum(a.sign * wall_us(a.wall_seconds, a.started_at, a.ended_at)) AS wall_us,
               sum(CASE WHEN a.wall_seconds IS NULL THEN 0 ELSE a.sign * coalesce(round(a.cpu_seconds * 1000000)::bigint, 0) END) AS cpu_us,
               sum(CASE WHEN a.cpu_seconds IS NULL THEN 0 ELSE a.sign * coalesce(round(a.wall_seconds * 1000000)::bigint, 0) END) AS told_us
        FROM (SELECT task, site, state, events_expected, started_at, ended_at, cpu_seconds, wall_seconds, 1 AS sign FROM n
              WHERE state IN ('done', 'failed', 'lost')
              UNION ALL
              SELECT task, site, state, events_expected, started_at, ended_at, cpu_seconds, wall_seconds, -1 FROM o
              WHERE state IN ('done', 'failed', 'lost')) a
        GROUP BY 1, 2, 3
    ) x CROSS JOIN (VALUES ('m'::"char"), ('h')) g(grain)
    GROUP BY 1, 2, 3, 4
    HAVING sum(abs(x.done) + abs(x.failed) + abs(x.events) + abs(x.done_us) + abs(x.wall_us) + abs(x.cpu_us) + abs(x.told_us)) > 0
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (grain, at, task, site, slot) DO UPDATE SET done = t.done + excluded.done, failed = t.failed + excluded.failed,
        events = t.events + excluded.events, done_us = t.done_us + excluded.done_us, wall_us = t.wall_us + excluded.wall_us,
        cpu_us = t.cpu_us + excluded.cpu_us, told_us = t.told_us + excluded.told_us;

    -- What was live has not been counted, and is so by somebody else: here a failure waits for nothing.
    IF NOT EXISTS (SELECT 1 FROM o WHERE state IS NOT NULL) THEN
        INSERT INTO uncounted (task, index, attempt) SELECT task, index, attempt FROM n WHERE state IN ('failed', 'lost') ON CONFLICT DO NOTHING;
        RETURN NULL;
    END IF;
    -- A correction.
    INSERT INTO uncounted (task, index, attempt)
    SELECT n.task, n.index, n.attempt FROM n JOIN o ON o.task = n.task AND o.index = n.index AND o.attempt = n.attempt
    WHERE n.state IN ('failed', 'lost') AND (o.state IS NULL OR o.state NOT IN ('failed', 'lost')) ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING;
    INSERT INTO recount (task)
    SELECT DISTINCT n.task FROM n JOIN o ON o.task = n.task AND o.index = n.index AND o.attempt = n.attempt
    WHERE o.state IN ('failed', 'lost')
      AND (n.state, n.site, n.started_at, n.ended_at, n.wall_seconds) IS DISTINCT FROM (o.state, o.site, o.started_at, o.ended_at, o.wall_seconds);
    RETURN NULL;
END $$;
CREATE TRIGGER total_end AFTER UPDATE ON attempt REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION total_ended();

-- ---------------------------------------------------------------- failures that have a verdict
-- Whether any wait to be counted. Those that somebody is counting are still seen.
CREATE FUNCTION failures_wait() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM recount) OR EXISTS (
        SELECT 1 FROM uncounted u CROSS JOIN LATERAL (
            SELECT 1 FROM verdict v WHERE v.task = u.task AND v.index = u.index AND v.attempt = u.attempt OFFSET 0) v)
$$;

-- Adds at most so many of those that wait; returns how many. They are added in lots and behind what happens: the Monitor's transactions would
-- wait for each other for the rows of failures alike, and a verdict for its sums. Whoever gets less than it asked for knows that all
-- verdicts that were committed before its call are counted: one that counts at that moment is waited for.
--
-- The order of the lots does not matter. Those of a lot are new; of the other failures of their jobs those count that no longer wait, earlier
-- and later ones: the new failures are added, and the older ones of the same jobs, a few each, lose the jobs that now count further on.
CREATE FUNCTION count_failures(most int) RETURNS int LANGUAGE plpgsql SET enable_nestloop = off SET enable_seqscan = off AS $$
DECLARE
    again      bigint[];
    of_task    bigint[];
    of_index   bigint[];
    of_attempt int[];
BEGIN
    IF NOT failures_wait() THEN RETURN 0; END IF;
    PERFORM count_alone();

    WITH gone AS (DELETE FROM recount RETURNING task) SELECT array_agg(DISTINCT task) INTO again FROM gone;
    IF again IS NOT NULL THEN PERFORM count_failures_anew(again); END IF;

    WITH gone AS (
        DELETE FROM uncounted WHERE ctid = ANY (ARRAY(
            SELECT u.ctid FROM uncounted u CROSS JOIN LATERAL (
                SELECT 1 FROM verdict v WHERE v.task = u.task AND v.index = u.index AND v.attempt = u.attempt OFFSET 0) v
            LIMIT most))
        RETURNING task, index, attempt
    )
    SELECT array_agg(task), array_agg(index), array_agg(attempt) INTO of_task, of_index, of_attempt FROM gone;
    IF of_task IS NULL THEN RETURN 0; END IF;

    INSERT INTO failure_kind (class, code, blame, fingerprint, rule)
    SELECT v.class, v.code, v.blame, v.fingerprint, v.rule
    FROM unnest(of_task, of_index, of_attempt) n(task, index, attempt) CROSS JOIN LATERAL (
        SELECT * FROM verdict v WHERE v.task = n.task AND v.index = n.index AND v.attempt = n.attempt OFFSET 0) v
    WHERE NOT EXISTS (SELECT 1 FROM failure_kind k WHERE k.fingerprint = v.fingerprint AND k.code = v.code AND k.rule = v.rule
                         AND k.blame = v.blame AND k.class = v.class)
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 4, 2, 5, 3, 1 ON CONFLICT DO NOTHING;

    WITH f AS MATERIALIZED (
        SELECT v.task, v.index, v.attempt, a.site, v.site AS place, coalesce(v.node, '') AS node, v.class, v.code, v.blame, v.fingerprint,
               v.rule, v.action, v.blame_rule, v.observed, v.at, a.ended_at,
               wall_us(a.wall_seconds, a.started_at, a.ended_at) AS lost_us, n.task IS NOT NULL AS fresh,
               (SELECT k.id FROM failure_kind k WHERE k.fingerprint = v.fingerprint AND k.code = v.code AND k.rule = v.rule
                   AND k.blame = v.blame AND k.class = v.class) AS kind
        FROM (SELECT DISTINCT task, index FROM unnest(of_task, of_index) n(task, index)) j
        CROSS JOIN LATERAL (SELECT * FROM verdict v WHERE v.task = j.task AND v.index = j.index OFFSET 0) v
        CROSS JOIN LATERAL (
            SELECT a.site, a.state, a.started_at, a.ended_at, a.wall_seconds FROM attempt a
            WHERE a.task = v.task AND a.index = v.index AND a.attempt = v.attempt OFFSET 0) a
        LEFT JOIN LATERAL (
            SELECT true AS waits FROM uncounted u WHERE u.task = v.task AND u.index = v.index AND u.attempt = v.attempt OFFSET 0) u ON true
        LEFT JOIN unnest(of_task, of_index, of_attempt) n(task, index, attempt)
            ON n.task = v.task AND n.index = v.index AND n.attempt = v.attempt
        WHERE a.state IN ('failed', 'lost') AND u.waits IS NULL
    ), later AS MATERIALIZED (
        -- Of each: whether one of its job comes after it that is alike, one that was there before, or a new one.
        SELECT f.task, f.index, f.attempt, x.fresh, true AS jobs, bool_or(x.class = f.class) AS class, bool_or(x.code = f.code) AS code,
               bool_or(x.site = f.site) AS site, bool_or(x.blame = f.blame) AS blame, bool_or(x.fingerprint = f.fingerprint) AS fingerprint,
               bool_or(x.rule = f.rule) AS rule,
               bool_or((x.fingerprint, x.place, x.node) = (f.fingerprint, f.place, f.node)) AS place
        FROM f JOIN f x ON x.task = f.task AND x.index = f.index AND (x.ended_at, x.attempt) > (f.ended_at, f.attempt)
        GROUP BY 1, 2, 3, 4
    ), moved AS MATERIALIZED (
        -- A new one counts unless any comes after it; an old one that counted no longer does if a new one comes after it.
        SELECT f.*, CASE WHEN f.fresh THEN 1 ELSE 0 END AS failures, CASE WHEN f.fresh THEN f.lost_us ELSE 0 END AS lost,
               moved_job(f.fresh, b.jobs, a.jobs) AS jobs, moved_job(f.fresh, b.class, a.class) AS jobs_class,
               moved_job(f.fresh, b.code, a.code) AS jobs_code, moved_job(f.fresh, b.site, a.site) AS jobs_site,
               moved_job(f.fresh, b.blame, a.blame) AS jobs_blame, moved_job(f.fresh, b.fingerprint, a.fingerprint) AS jobs_fingerprint,
               moved_job(f.fresh, b.rule, a.rule) AS jobs_rule, moved_job(f.fresh, b.place, a.place) AS jobs_place
        FROM f LEFT JOIN later b ON b.task = f.task AND b.index = f.index AND b.attempt = f.attempt AND NOT b.fresh
        LEFT JOIN later a ON a.task = f.task AND a.index = f.index AND a.attempt = f.attempt AND a.fresh
        WHERE f.fresh OR a.fresh
    ), places AS (
        INSERT INTO failure_place AS p (task, kind, site, node, action, failures, lost_us, jobs_fingerprint, jobs_place, first, last, newest)
        SELECT m.task, m.kind, m.place, m.node, m.action, sum(m.failures), sum(m.lost), sum(m.jobs_fingerprint), sum(m.jobs_place),
               min(m.ended_at) FILTER (WHERE m.fresh), max(m.ended_at) FILTER (WHERE m.fresh),
               newest_three(array_agg(CASE WHEN m.fresh THEN ROW(m.ended_at, m.index, m.attempt)::failure_sample END))
        FROM moved m GROUP BY 1, 2, 3, 4, 5
        HAVING bool_or(m.fresh) OR sum(m.jobs_fingerprint) <> 0 OR sum(m.jobs_place) <> 0
        ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (task, kind, site, node, action) DO UPDATE SET failures = p.failures + excluded.failures,
            lost_us = p.lost_us + excluded.lost_us, jobs_fingerprint = p.jobs_fingerprint + excluded.jobs_fingerprint,
            jobs_place = p.jobs_place + excluded.jobs_place, first = least(p.first, excluded.first), last = greatest(p.last, excluded.last),
            newest = CASE WHEN excluded.last IS NULL THEN p.newest ELSE newest_three(p.newest || excluded.newest) END
    ), rules AS (
        INSERT INTO rule_total AS r (grain, at, task, rule, use, count, last)
        SELECT g.grain, grain_of(g.grain, f.at), f.task, u.rule, u.use, count(*), max(f.at)
        FROM f CROSS JOIN LATERAL (
            SELECT f.rule, 'decided' AS use UNION ALL SELECT f.blame_rule, 'blamed' WHERE f.blame_rule IS NOT NULL
            UNION ALL SELECT o, 'observed' FROM unnest(f.observed) o) u
        CROSS JOIN (VALUES ('m'::"char"), ('h')) g(grain) WHERE f.fresh GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (grain, at, task, rule, use) DO UPDATE SET count = r.count + excluded.count, last = greatest(r.last, excluded.last)
    )
    INSERT INTO failure_total AS t (grain, at, task, site, kind, failures, lost_us, jobs, jobs_class, jobs_code, jobs_site, jobs_blame,
                                    jobs_fingerprint, jobs_rule, first, last, index, attempt)
    SELECT g.grain, grain_of(g.grain, m.ended_at), m.task, m.site, m.kind, sum(m.failures), sum(m.lost), sum(m.jobs), sum(m.jobs_class),
           sum(m.jobs_code), sum(m.jobs_site), sum(m.jobs_blame), sum(m.jobs_fingerprint), sum(m.jobs_rule),
           min(m.ended_at) FILTER (WHERE m.fresh), max(m.ended_at) FILTER (WHERE m.fresh),
           (array_agg(m.index ORDER BY m.ended_at DESC, m.index, m.attempt) FILTER (WHERE m.fresh))[1],
           (array_agg(m.attempt ORDER BY m.ended_at DESC, m.index, m.attempt) FILTER (WHERE m.fresh))[1]
    FROM moved m CROSS JOIN (VALUES ('m'::"char"), ('h')) g(grain) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (grain, at, task, site, kind) DO UPDATE SET failures = t.failures + excluded.failures, lost_us = t.lost_us + excluded.lost_us,
        jobs = t.jobs + excluded.jobs, jobs_class = t.jobs_class + excluded.jobs_class, jobs_code = t.jobs_code + excluded.jobs_code,
        jobs_site = t.jobs_site + excluded.jobs_site, jobs_blame = t.jobs_blame + excluded.jobs_blame,
        jobs_fingerprint = t.jobs_fingerprint + excluded.jobs_fingerprint, jobs_rule = t.jobs_rule + excluded.jobs_rule,
        first = least(t.first, excluded.first), last = greatest(t.last, excluded.last),
        index = CASE WHEN is_newer(excluded.last, excluded.index, excluded.attempt, t.last, t.index, t.attempt) THEN excluded.index ELSE t.index END,
        attempt = CASE WHEN is_newer(excluded.last, excluded.index, excluded.attempt, t.last, t.index, t.attempt) THEN excluded.attempt
                       ELSE t.attempt END;
    RETURN cardinality(of_task);
END $$;

-- A verdict that is changed or taken back, which nothing does but an administrator with SQL: its task is counted anew. When it is carried out
-- or forgiven nothing happens here.
CREATE FUNCTION note_changed_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO recount (task) VALUES (OLD.task), (NEW.task);
    RETURN NULL;
END $$;
CREATE TRIGGER total_change AFTER UPDATE OF task, index, attempt, site, node, class, code, blame, fingerprint, rule, action, blame_rule, observed, at
    ON verdict FOR EACH ROW
    WHEN ((OLD.task, OLD.index, OLD.attempt, OLD.site, OLD.node, OLD.class, OLD.code, OLD.blame, OLD.fingerprint, OLD.rule, OLD.action,
           OLD.blame_rule, OLD.observed, OLD.at)
          IS DISTINCT FROM (NEW.task, NEW.index, NEW.attempt, NEW.site, NEW.node, NEW.class, NEW.code, NEW.blame, NEW.fingerprint, NEW.rule,
                            NEW.action, NEW.blame_rule, NEW.observed, NEW.at))
    EXECUTE FUNCTION note_changed_verdict();

-- Archived ones are not forgotten one by one.
CREATE FUNCTION note_gone_verdicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO recount (task) SELECT DISTINCT task FROM o;
    RETURN NULL;
END $$;
CREATE TRIGGER total_gone AFTER DELETE ON verdict REFERENCING OLD TABLE AS o FOR EACH STATEMENT
    WHEN (current_setting('millrace.archiving', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION note_gone_verdicts();

-- What was there before these tables.
DO $$ BEGIN PERFORM count_tasks_anew(ARRAY(SELECT t.id FROM task t WHERE NOT EXISTS (SELECT 1 FROM archived_task a WHERE a.task = t.id))); END $$;

-- ---------------------------------------------------------------- views
-- The failures of the last hour from its minutes, and of the first of these, which is not whole, from the rows.
CREATE OR REPLACE VIEW site_view AS
SELECT s.name AS site, s.access, s.reason, coalesce(a.agents, 0) AS agents, coalesce(a.running, 0) AS running,
       coalesce(f.failed, 0) AS failed_1h, a.last_seen, s.cloud, s.until, s.who
FROM site s LEFT JOIN (
    SELECT a.site, count(*) FILTER (WHERE a.state = 'here') AS agents, max(a.last_seen) AS last_seen, sum(h.count)::bigint AS running
    FROM agent_session a LEFT JOIN (SELECT holder, sum(count) AS count FROM held_tally GROUP BY holder) h ON h.holder = a.id
    GROUP BY a.site
) a ON a.site = s.name LEFT JOIN (
    SELECT x.site, sum(x.failed)::bigint AS failed FROM (
        SELECT t.site, t.failed FROM ended_total t WHERE t.grain = 'm' AND t.at >= grain_from('m', now() - interval '1 hour')
           AND NOT EXISTS (SELECT 1 FROM archived_task z WHERE z.task = t.task)
        UNION ALL
        SELECT b.site, 1 FROM attempt b WHERE b.state IN ('failed', 'lost') AND b.ended_at > now() - interval '1 hour'
           AND b.ended_at < grain_from('m', now() - interval '1 hour')
           AND NOT EXISTS (SELECT 1 FROM archived_task z WHERE z.task = b.task)
    ) x GROUP BY x.site
) f ON f.site = s.name;
