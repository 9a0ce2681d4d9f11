-- The catalogue, part 6: history. What was produced day by day, what was given up, what is archived, and how far lineage is exported.

-- The day of a moment, in UTC.
CREATE FUNCTION utc_day(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (at AT TIME ZONE 'UTC')::date $$;

-- Milliseconds of wall time that count: as reported, else from start to end, else none. Whole numbers, so that sums that were added
-- up and taken away again are exact.
CREATE FUNCTION wall_ms(reported double precision, started timestamptz, ended timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(greatest(coalesce(reported, extract(epoch FROM ended - started)::double precision, 0), 0) * 1000)::bigint
$$;

-- ---------------------------------------------------------------- production over time
-- Sums of what ended, by the day on which it ended. They stay when the rows they were counted from are archived. At most 16 rows, one
-- per service slot, for each key; those of past days are folded into slot -1 now and then.
CREATE TABLE production (
    day          date NOT NULL,
    task         bigint NOT NULL REFERENCES task,
    site         text NOT NULL,           -- empty: a job that was given up without an attempt
    class        int NOT NULL REFERENCES class,
    blame        text NOT NULL,           -- of what failed; empty: nothing did
    slot         int NOT NULL,
    cloud        text NOT NULL,           -- of the site then; empty: none
    jobs_done    bigint NOT NULL DEFAULT 0,             -- winners, by the end of the attempt that won
    jobs_aborted bigint NOT NULL DEFAULT 0,
    events       bigint NOT NULL DEFAULT 0,             -- accepted, of the main stream
    attempts     bigint NOT NULL DEFAULT 0,             -- that ended done, failed or lost
    failed       bigint NOT NULL DEFAULT 0,             -- of those, failed or lost
    cancelled    bigint NOT NULL DEFAULT 0,
    core_ms      bigint NOT NULL DEFAULT 0,             -- wall time by cores of all that ended
    lost_core_ms bigint NOT NULL DEFAULT 0,             -- of those that are not the winner of their job
    PRIMARY KEY (day, task, site, class, blame, slot)
);
CREATE INDEX production_task ON production (task);
CREATE INDEX production_unfolded ON production (day) WHERE slot <> -1;

-- Whether any job of a task is of another class than its task: few tasks have one, and the others need not look at each job.
CREATE FUNCTION has_raised_jobs(tasks bigint[]) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM unnest(tasks) AS t(task) CROSS JOIN LATERAL (
        SELECT 1 FROM job j WHERE j.task = t.task AND j.class IS NOT NULL LIMIT 1) j);
END $$;

CREATE FUNCTION count_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Reports of what runs change attempts too: most statements end here.
    IF NOT EXISTS (SELECT 1 FROM n WHERE state IS NOT NULL) THEN RETURN NULL; END IF;
    -- What decides for all rows is asked once, and in the statement: with variables in it, it would be planned anew each time.
    INSERT INTO production AS p (day, task, site, class, blame, slot, cloud, attempts, failed, cancelled, core_ms, lost_core_ms)
    SELECT x.day, x.task, x.site, c.id, x.blame, counter_slot(), coalesce(s.cloud, ''), x.ended, x.failed, x.cancelled, x.ms * c.cores,
           x.lost_ms * c.cores
    FROM (
        SELECT utc_day(a.ended_at) AS day, a.task, a.site, coalesce(a.blame, '') AS blame, j.class,
               sum(a.sign * (a.state <> 'cancelled')::int) AS ended, sum(a.sign * (a.state IN ('failed', 'lost'))::int) AS failed,
               sum(a.sign * (a.state = 'cancelled')::int) AS cancelled,
               sum(a.sign * wall_ms(a.wall_seconds, a.started_at, a.ended_at)) AS ms,
               -- All of it, until a winner says otherwise; what is corrected after that is not lost.
               sum(CASE WHEN (SELECT EXISTS (SELECT 1 FROM o WHERE state IS NOT NULL)) AND EXISTS (SELECT 1 FROM winner w WHERE w.task = a.task AND w.index = a.index AND w.attempt = a.attempt)
                        THEN 0 ELSE a.sign * wall_ms(a.wall_seconds, a.started_at, a.ended_at) END) AS lost_ms
        FROM (SELECT task, index, attempt, site, state, blame, started_at, ended_at, wall_seconds, 1 AS sign FROM n WHERE state IS NOT NULL
              UNION ALL
              SELECT task, index, attempt, site, state, blame, started_at, ended_at, wall_seconds, -1 FROM o WHERE state IS NOT NULL) a
        LEFT JOIN LATERAL (
            SELECT j.class FROM job j WHERE (SELECT has_raised_jobs(ARRAY(SELECT DISTINCT task FROM n))) AND j.task = a.task AND j.index = a.index
            OFFSET 0) j ON true
        GROUP BY 1, 2, 3, 4, 5
    ) x
    CROSS JOIN LATERAL (SELECT t.class FROM task t WHERE t.id = x.task OFFSET 0) t
    CROSS JOIN LATERAL (SELECT c.id, c.cores FROM class c WHERE c.id = coalesce(x.class, t.class) OFFSET 0) c
    CROSS JOIN LATERAL (SELECT s.cloud FROM site s WHERE s.name = x.site OFFSET 0) s
    ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (day, task, site, class, blame, slot) DO UPDATE SET attempts = p.attempts + excluded.attempts,
        failed = p.failed + excluded.failed, cancelled = p.cancelled + excluded.cancelled, core_ms = p.core_ms + excluded.core_ms,
        lost_core_ms = p.lost_core_ms + excluded.lost_core_ms;
    RETURN NULL;
END $$;
CREATE TRIGGER production_count AFTER UPDATE ON attempt REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION count_attempts();

-- A winner's time is not lost, until it is taken out of the books again: then its day loses the job and its events as well.
CREATE FUNCTION count_winners() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO production AS p (day, task, site, class, blame, slot, cloud, jobs_done, events, lost_core_ms)
    SELECT x.day, x.task, x.site, c.id, x.blame, counter_slot(), coalesce(s.cloud, ''), x.sign * x.jobs, x.sign * x.events, -x.sign * x.ms * c.cores
    FROM (
        SELECT utc_day(a.ended_at) AS day, w.task, a.site, coalesce(a.blame, '') AS blame, j.class,
               CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END AS sign, count(*) AS jobs, coalesce(sum(e.events), 0) AS events,
               sum(wall_ms(a.wall_seconds, a.started_at, a.ended_at)) AS ms
        FROM (SELECT t.task, s.stream FROM (SELECT DISTINCT task FROM n) t
              LEFT JOIN LATERAL (SELECT s.stream FROM task_stream s WHERE s.task = t.task AND s.main OFFSET 0) s ON true) s
        JOIN n w ON w.task = s.task
        CROSS JOIN LATERAL (
            SELECT a.site, a.blame, a.started_at, a.ended_at, a.wall_seconds FROM attempt a
            WHERE a.task = w.task AND a.index = w.index AND a.attempt = w.attempt OFFSET 0) a
        LEFT JOIN LATERAL (
            SELECT j.class FROM job j WHERE (SELECT has_raised_jobs(ARRAY(SELECT DISTINCT task FROM n))) AND j.task = w.task AND j.index = w.index
            OFFSET 0) j ON true
        LEFT JOIN LATERAL (
            SELECT o.events FROM output o
            WHERE o.task = w.task AND o.index = w.index AND o.attempt = w.attempt AND o.stream = s.stream OFFSET 0) e ON true
        GROUP BY 1, 2, 3, 4, 5
    ) x
    CROSS JOIN LATERAL (SELECT t.class FROM task t WHERE t.id = x.task OFFSET 0) t
    CROSS JOIN LATERAL (SELECT c.id, c.cores FROM class c WHERE c.id = coalesce(x.class, t.class) OFFSET 0) c
    CROSS JOIN LATERAL (SELECT s.cloud FROM site s WHERE s.name = x.site OFFSET 0) s
    ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (day, task, site, class, blame, slot) DO UPDATE SET jobs_done = p.jobs_done + excluded.jobs_done,
        events = p.events + excluded.events, lost_core_ms = p.lost_core_ms + excluded.lost_core_ms;
    RETURN NULL;
END $$;
CREATE TRIGGER production_new AFTER INSERT ON winner REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION count_winners();
CREATE TRIGGER production_gone AFTER DELETE ON winner REFERENCING OLD TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION count_winners();

-- ---------------------------------------------------------------- what was given up
-- Every job that is given up now, with what is known of why. Kept beside the jobs: it stays when they are archived.
CREATE TABLE given_up (
    task        bigint NOT NULL REFERENCES task,
    index       bigint NOT NULL,
    events      bigint NOT NULL CHECK (events >= 0),
    first_event bigint,                   -- its number; NULL: it reads slices of files
    last_event  bigint,
    inputs      jsonb,                    -- those slices: a list of lfn, first_event, last_event
    attempt     int,                      -- the last one; NULL: there was none
    site        text NOT NULL,            -- of that attempt; empty: none
    node        text,
    class       int NOT NULL REFERENCES class,
    code        int,
    blame       text,
    diagnostic  text,
    rule        text,                     -- of the last verdict; NULL: no rule decided it
    reason      text,                     -- of the job
    who         text,
    at          timestamptz NOT NULL,
    PRIMARY KEY (task, index)
);

CREATE FUNCTION note_given_up() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM o WHERE state = 'aborted') THEN
        WITH back AS (
            DELETE FROM given_up g USING (
                SELECT o.task, o.index FROM o JOIN n ON n.task = o.task AND n.index = o.index
                WHERE o.state = 'aborted' AND n.state <> 'aborted') x
            WHERE g.task = x.task AND g.index = x.index RETURNING g.*
        )
        INSERT INTO production AS p (day, task, site, class, blame, slot, cloud, jobs_aborted)
        SELECT utc_day(b.at), b.task, b.site, b.class, coalesce(b.blame, ''), counter_slot(),
               coalesce((SELECT s.cloud FROM site s WHERE s.name = b.site), ''), -count(*)
        FROM back b GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (day, task, site, class, blame, slot) DO UPDATE SET jobs_aborted = p.jobs_aborted + excluded.jobs_aborted;
    END IF;
    IF EXISTS (SELECT 1 FROM n WHERE state = 'aborted') THEN
        WITH gone AS (
            SELECT n.*, clock_timestamp() AS at FROM n JOIN o ON o.task = n.task AND o.index = n.index
            WHERE n.state = 'aborted' AND o.state <> 'aborted'
        ), noted AS (
            INSERT INTO given_up (task, index, events, first_event, last_event, inputs, attempt, site, node, class, code, blame, diagnostic,
                                  rule, reason, who, at)
            SELECT g.task, g.index, g.events_expected, CASE WHEN u.inputs IS NULL THEN f.first END,
                   CASE WHEN u.inputs IS NULL THEN f.first + g.events_expected - 1 END, u.inputs, a.attempt, coalesce(a.site, ''), a.node,
                   coalesce(g.class, t.class), coalesce(v.code, a.code), coalesce(v.blame, a.blame), coalesce(v.diagnostic, a.diagnostic),
                   v.rule, g.cause, g.who, g.at
            FROM gone g
            CROSS JOIN LATERAL (SELECT t.class, t.events_per_job, t.first_event FROM task t WHERE t.id = g.task OFFSET 0) t
            CROSS JOIN LATERAL (SELECT coalesce(g.first_event, t.first_event + g.index * t.events_per_job) AS first) f
            LEFT JOIN LATERAL (
                SELECT a.attempt, a.site, a.node, a.code, a.blame, a.diagnostic FROM attempt a
                WHERE a.task = g.task AND a.index = g.index ORDER BY a.attempt DESC LIMIT 1) a ON true
            LEFT JOIN LATERAL (
                SELECT v.code, v.blame, v.diagnostic, v.rule FROM verdict v
                WHERE v.task = g.task AND v.index = g.index AND v.attempt = a.attempt OFFSET 0) v ON true
            CROSS JOIN LATERAL (
                SELECT jsonb_agg(jsonb_build_object('lfn', i.lfn, 'first_event', lower(u.slice), 'last_event', upper(u.slice) - 1)
                                 ORDER BY i.lfn, lower(u.slice)) AS inputs
                FROM unit_input u CROSS JOIN LATERAL (SELECT i.lfn FROM file i WHERE i.id = u.file OFFSET 0) i
                WHERE u.task = g.task AND u.index = g.index OFFSET 0) u
            RETURNING task, site, class, blame, at
        )
        INSERT INTO production AS p (day, task, site, class, blame, slot, cloud, jobs_aborted)
        SELECT utc_day(b.at), b.task, b.site, b.class, coalesce(b.blame, ''), counter_slot(),
               coalesce((SELECT s.cloud FROM site s WHERE s.name = b.site), ''), count(*)
        FROM noted b GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (day, task, site, class, blame, slot) DO UPDATE SET jobs_aborted = p.jobs_aborted + excluded.jobs_aborted;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER production_given_up AFTER UPDATE ON job REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION note_given_up();

-- The same sums counted anew from the rows that are there: what the doctor compares, and what a catalogue with history begins from.
CREATE VIEW production_counted AS
SELECT x.day, x.task, x.site, x.class, x.blame, sum(x.jobs_done)::bigint AS jobs_done, sum(x.jobs_aborted)::bigint AS jobs_aborted,
       sum(x.events)::bigint AS events, sum(x.attempts)::bigint AS attempts, sum(x.failed)::bigint AS failed,
       sum(x.cancelled)::bigint AS cancelled, sum(x.core_ms)::bigint AS core_ms, sum(x.lost_core_ms)::bigint AS lost_core_ms
FROM (
    SELECT utc_day(a.ended_at) AS day, a.task, a.site, c.id AS class, coalesce(a.blame, '') AS blame, (w.attempt IS NOT NULL)::int AS jobs_done,
           0 AS jobs_aborted, CASE WHEN w.attempt IS NOT NULL THEN coalesce(e.events, 0) ELSE 0 END AS events,
           (a.state <> 'cancelled')::int AS attempts, (a.state IN ('failed', 'lost'))::int AS failed, (a.state = 'cancelled')::int AS cancelled,
           wall_ms(a.wall_seconds, a.started_at, a.ended_at) * c.cores AS core_ms,
           CASE WHEN w.attempt IS NULL THEN wall_ms(a.wall_seconds, a.started_at, a.ended_at) * c.cores ELSE 0 END AS lost_core_ms
    FROM attempt a JOIN job j ON j.task = a.task AND j.index = a.index JOIN task t ON t.id = a.task
    JOIN class c ON c.id = coalesce(j.class, t.class)
    LEFT JOIN winner w ON w.task = a.task AND w.index = a.index AND w.attempt = a.attempt
    LEFT JOIN task_stream s ON s.task = a.task AND s.main
    LEFT JOIN accepted e ON e.task = a.task AND e.index = a.index AND e.stream = s.stream AND e.attempt = a.attempt
    WHERE a.state IS NOT NULL
    UNION ALL
    SELECT utc_day(g.at), g.task, g.site, g.class, coalesce(g.blame, ''), 0, 1, 0, 0, 0, 0, 0, 0 FROM given_up g
) x GROUP BY x.day, x.task, x.site, x.class, x.blame;

-- What was given up before this table was there: when, the log says.
INSERT INTO given_up (task, index, events, first_event, last_event, inputs, attempt, site, node, class, code, blame, diagnostic, rule, reason,
                      who, at)
SELECT j.task, j.index, j.events_expected, CASE WHEN u.inputs IS NULL THEN f.first END,
       CASE WHEN u.inputs IS NULL THEN f.first + j.events_expected - 1 END, u.inputs, a.attempt, coalesce(a.site, ''), a.node,
       coalesce(j.class, t.class), coalesce(v.code, a.code), coalesce(v.blame, a.blame), coalesce(v.diagnostic, a.diagnostic), v.rule, j.cause,
       j.who,
       coalesce((SELECT max(x.at) FROM transition x WHERE x.entity = 'job:' || j.task || '.' || j.index AND x.to_state = 'aborted'), now())
FROM job j JOIN task t ON t.id = j.task CROSS JOIN LATERAL (SELECT coalesce(j.first_event, t.first_event + j.index * t.events_per_job) AS first) f
LEFT JOIN attempt a ON a.task = j.task AND a.index = j.index AND a.attempt = j.attempts
LEFT JOIN verdict v ON v.task = a.task AND v.index = a.index AND v.attempt = a.attempt
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('lfn', i.lfn, 'first_event', lower(u.slice), 'last_event', upper(u.slice) - 1)
                     ORDER BY i.lfn, lower(u.slice)) AS inputs
    FROM unit_input u JOIN file i ON i.id = u.file WHERE u.task = j.task AND u.index = j.index) u
WHERE j.state = 'aborted';
INSERT INTO production (day, task, site, class, blame, slot, cloud, jobs_done, jobs_aborted, events, attempts, failed, cancelled, core_ms,
                        lost_core_ms)
SELECT c.day, c.task, c.site, c.class, c.blame, -1, coalesce(s.cloud, ''), c.jobs_done, c.jobs_aborted, c.events, c.attempts, c.failed,
       c.cancelled, c.core_ms, c.lost_core_ms
FROM production_counted c LEFT JOIN site s ON s.name = c.site;

-- ---------------------------------------------------------------- the archive
-- Tasks whose rows are archived, or on their way there or back. Files, replicas, datasets, provenance, counters and the log are never
-- archived.
CREATE TABLE archived_task (
    task    bigint PRIMARY KEY REFERENCES task,
    state   text NOT NULL CHECK (state IN ('archiving', 'archived', 'restoring')),
    jobs    bigint NOT NULL CHECK (jobs >= 0),          -- rows of `job`, and sums of its counters, when it was asked for
    done    bigint NOT NULL,
    aborted bigint NOT NULL,
    events  bigint NOT NULL,
    sources bigint[] NOT NULL,            -- tasks whose accepted outputs it merged: they are restored before it
    log     bigint NOT NULL,              -- the last transition then: an export of lineage must have read as far
    reason  text,
    who     text NOT NULL,
    since   timestamptz NOT NULL DEFAULT now()          -- in this state
);
CREATE INDEX archived_task_open ON archived_task (task) WHERE state <> 'archived';

-- The rows of 250 jobs of one table, as a JSON list: compressed, and without a single index.
CREATE TABLE archived_rows (
    task     bigint NOT NULL REFERENCES archived_task,
    relation text NOT NULL CHECK (relation IN ('job', 'attempt', 'output', 'winner', 'accepted', 'unit_input', 'merge_input', 'verdict')),
    first    bigint NOT NULL,             -- index of the first of the jobs
    count    int NOT NULL CHECK (count > 0),
    rows     json NOT NULL,
    PRIMARY KEY (task, relation, first)
);

-- Moves the rows of the last jobs of a task into the archive, at most so many chunks of them; returns how many jobs that were: 0 when
-- none is left. The partitions are named: triggers of the tables count and log what is done to the tables, and here nothing happens.
CREATE FUNCTION archive_jobs(wanted bigint, chunks int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    width    constant bigint := 250;
    low      bigint;
    relation text;
    moved    bigint;
    jobs     bigint := 0;
BEGIN
    PERFORM set_config('millrace.archiving', 'on', true);
    FOR turn IN 1 .. chunks LOOP
        SELECT max(j.index) / width * width INTO low FROM job j WHERE j.task = wanted AND (low IS NULL OR j.index < low);
        EXIT WHEN low IS NULL;
        -- What refers to others goes before them.
        FOREACH relation IN ARRAY ARRAY['verdict', 'merge_input', 'unit_input', 'accepted', 'winner', 'output', 'attempt', 'job'] LOOP
            EXECUTE format('WITH gone AS (DELETE FROM %I WHERE task = $1 AND index >= $2 RETURNING *)
                            INSERT INTO archived_rows (task, relation, first, count, rows)
                            SELECT $1, $3, $2, count(*), json_agg(gone ORDER BY gone.index) FROM gone HAVING count(*) > 0',
                           CASE relation WHEN 'verdict' THEN relation ELSE relation || '_p' || wanted / 1000 * 1000 END)
                USING wanted, low, relation;
        END LOOP;
        SELECT a.count INTO moved FROM archived_rows a WHERE a.task = wanted AND a.relation = 'job' AND a.first = low;
        jobs := jobs + moved;
    END LOOP;
    RETURN jobs;
END $$;

-- The way back, from the first jobs on.
CREATE FUNCTION restore_jobs(wanted bigint, chunks int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    low      bigint;
    relation text;
    moved    bigint;
    jobs     bigint := 0;
BEGIN
    PERFORM make_partitions(wanted), set_config('millrace.archiving', 'on', true);
    FOR turn IN 1 .. chunks LOOP
        SELECT min(a.first) INTO low FROM archived_rows a WHERE a.task = wanted AND a.relation = 'job';
        EXIT WHEN low IS NULL;
        FOREACH relation IN ARRAY ARRAY['job', 'attempt', 'output', 'winner', 'accepted', 'unit_input', 'merge_input', 'verdict'] LOOP
            EXECUTE format('INSERT INTO %1$I SELECT r.* FROM archived_rows a CROSS JOIN LATERAL json_populate_recordset(NULL::%1$I, a.rows) r
                            WHERE a.task = $1 AND a.relation = $2 AND a.first = $3',
                           CASE relation WHEN 'verdict' THEN relation ELSE relation || '_p' || wanted / 1000 * 1000 END)
                USING wanted, relation, low;
        END LOOP;
        DELETE FROM archived_rows a WHERE a.task = wanted AND a.relation = 'job' AND a.first = low RETURNING a.count INTO moved;
        DELETE FROM archived_rows a WHERE a.task = wanted AND a.first = low
            AND a.relation IN ('attempt', 'output', 'winner', 'accepted', 'unit_input', 'merge_input', 'verdict');
        jobs := jobs + moved;
    END LOOP;
    RETURN jobs;
END $$;

-- Verdicts are in one table: a restored one was given long ago, and is neither logged nor counted again.
DROP TRIGGER log_new ON verdict;
CREATE TRIGGER log_new AFTER INSERT ON verdict REFERENCING NEW TABLE AS n FOR EACH STATEMENT
    WHEN (current_setting('millrace.archiving', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_verdict();

-- ---------------------------------------------------------------- lineage
-- How far the log has been exported as lineage. One row, made by the first export; its lease says who exports.
CREATE TABLE lineage_export (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    exported    bigint NOT NULL DEFAULT 0,
    holder      text,
    term        bigint NOT NULL DEFAULT 0,
    lease_until timestamptz NOT NULL DEFAULT '-infinity'
);

-- ---------------------------------------------------------------- views
CREATE VIEW production_view AS
SELECT p.day, p.site, nullif(p.cloud, '') AS cloud, t.request, p.task, t.kind, p.class, nullif(p.blame, '') AS blame,
       sum(p.jobs_done)::bigint AS jobs_done, sum(p.jobs_aborted)::bigint AS jobs_aborted, sum(p.events)::bigint AS events,
       sum(p.attempts)::bigint AS attempts, sum(p.failed)::bigint AS failed, sum(p.cancelled)::bigint AS cancelled,
       sum(p.core_ms)::double precision / 3600000 AS core_hours, sum(p.lost_core_ms)::double precision / 3600000 AS lost_core_hours
FROM production p JOIN task t ON t.id = p.task
GROUP BY p.day, p.site, p.cloud, t.request, p.task, t.kind, p.class, p.blame;

-- The tracker's damaged events, job by job: their sum is the column `damaged` of tracker_view. What another version makes again is not
-- damaged.
CREATE VIEW damaged_view AS
SELECT r.sample AS gen_id, r.simulation AS sim_id, r.owner AS username, t.request, g.task, g.index, g.events, g.first_event, g.last_event,
       g.inputs, g.attempt, nullif(g.site, '') AS site, g.node, g.code, g.blame, g.diagnostic, g.rule, g.reason, g.who, g.at
FROM given_up g JOIN task t ON t.id = g.task JOIN request r ON r.id = t.request
WHERE t.position = 0 AND r.sample IS NOT NULL AND r.simulation IS NOT NULL AND r.state NOT IN ('new', 'rejected')
  AND NOT EXISTS (SELECT 1 FROM task c WHERE c.continues = t.id);
