-- The catalogue, part 28: what an attempt counted for, it is taken off again.
--
-- Production by class went by the class that job and task had at the moment. A task that is raised, or whose request moves to another share, has
-- another one afterwards: a winner that was withdrawn then was taken off a class that never had it.

-- The class in which it was leased: what it ran with, whatever becomes of its job and task. NULL: it was leased before this part was there, and
-- counts for the class they have. No foreign key: classes are never deleted, and a check for each lease would lock rows that all leases share.
ALTER TABLE attempt ADD COLUMN leased_class int;

-- As in V0006 but for the class: only what has none of its own asks its job. What comes to the same class in different ways is added up: a
-- statement may count into a row only once. Before, attempts could not end together when a job and its task had been raised to one class.
CREATE OR REPLACE FUNCTION count_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Reports of what runs change attempts too: most statements end here.
    IF NOT EXISTS (SELECT 1 FROM n WHERE state IS NOT NULL) THEN RETURN NULL; END IF;
    -- What decides for all rows is asked once, and in the statement: with variables in it, it would be planned anew each time.
    INSERT INTO production AS p (day, task, site, class, blame, slot, cloud, attempts, failed, cancelled, core_ms, lost_core_ms)
    SELECT x.day, x.task, x.site, c.id, x.blame, counter_slot(), coalesce(s.cloud, ''), sum(x.ended), sum(x.failed), sum(x.cancelled),
           sum(x.ms) * c.cores, sum(x.lost_ms) * c.cores
    FROM (
        SELECT utc_day(a.ended_at) AS day, a.task, a.site, coalesce(a.blame, '') AS blame, coalesce(a.leased_class, j.class) AS class,
               sum(a.sign * (a.state <> 'cancelled')::int) AS ended, sum(a.sign * (a.state IN ('failed', 'lost'))::int) AS failed,
               sum(a.sign * (a.state = 'cancelled')::int) AS cancelled,
               sum(a.sign * wall_ms(a.wall_seconds, a.started_at, a.ended_at)) AS ms,
               -- All of it, until a winner says otherwise; what is corrected after that is not lost.
               sum(CASE WHEN (SELECT EXISTS (SELECT 1 FROM o WHERE state IS NOT NULL)) AND EXISTS (SELECT 1 FROM winner w WHERE w.task = a.task AND w.index = a.index AND w.attempt = a.attempt)
                        THEN 0 ELSE a.sign * wall_ms(a.wall_seconds, a.started_at, a.ended_at) END) AS lost_ms
        FROM (SELECT task, index, attempt, site, state, blame, started_at, ended_at, wall_seconds, leased_class, 1 AS sign FROM n
              WHERE state IS NOT NULL
              UNION ALL
              SELECT task, index, attempt, site, state, blame, started_at, ended_at, wall_seconds, leased_class, -1 FROM o
              WHERE state IS NOT NULL) a
        LEFT JOIN LATERAL (
            SELECT j.class FROM job j WHERE a.leased_class IS NULL AND (SELECT has_raised_jobs(ARRAY(SELECT DISTINCT task FROM n)))
              AND j.task = a.task AND j.index = a.index OFFSET 0) j ON true
        GROUP BY 1, 2, 3, 4, 5
    ) x
    CROSS JOIN LATERAL (SELECT t.class FROM task t WHERE t.id = x.task OFFSET 0) t
    CROSS JOIN LATERAL (SELECT c.id, c.cores FROM class c WHERE c.id = coalesce(x.class, t.class) OFFSET 0) c
    CROSS JOIN LATERAL (SELECT s.cloud FROM site s WHERE s.name = x.site OFFSET 0) s
    GROUP BY 1, 2, 3, 4, 5, c.cores, s.cloud ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (day, task, site, class, blame, slot) DO UPDATE SET attempts = p.attempts + excluded.attempts,
        failed = p.failed + excluded.failed, cancelled = p.cancelled + excluded.cancelled, core_ms = p.core_ms + excluded.core_ms,
        lost_core_ms = p.lost_core_ms + excluded.lost_core_ms;
    RETURN NULL;
END $$;

-- A winner's time is not lost, until it is taken out of the books again: then its day and its class lose the job and its events as well.
CREATE OR REPLACE FUNCTION count_winners() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO production AS p (day, task, site, class, blame, slot, cloud, jobs_done, events, lost_core_ms)
    SELECT x.day, x.task, x.site, c.id, x.blame, counter_slot(), coalesce(s.cloud, ''), sum(x.sign * x.jobs), sum(x.sign * x.events),
           -sum(x.sign * x.ms) * c.cores
    FROM (
        SELECT utc_day(a.ended_at) AS day, w.task, a.site, coalesce(a.blame, '') AS blame, coalesce(a.leased_class, j.class) AS class,
               CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END AS sign, count(*) AS jobs, coalesce(sum(e.events), 0) AS events,
               sum(wall_ms(a.wall_seconds, a.started_at, a.ended_at)) AS ms
        FROM (SELECT t.task, s.stream FROM (SELECT DISTINCT task FROM n) t
              LEFT JOIN LATERAL (SELECT s.stream FROM task_stream s WHERE s.task = t.task AND s.main OFFSET 0) s ON true) s
        JOIN n w ON w.task = s.task
        CROSS JOIN LATERAL (
            SELECT a.site, a.blame, a.started_at, a.ended_at, a.wall_seconds, a.leased_class FROM attempt a
            WHERE a.task = w.task AND a.index = w.index AND a.attempt = w.attempt OFFSET 0) a
        LEFT JOIN LATERAL (
            SELECT j.class FROM job j WHERE a.leased_class IS NULL AND (SELECT has_raised_jobs(ARRAY(SELECT DISTINCT task FROM n)))
              AND j.task = w.task AND j.index = w.index OFFSET 0) j ON true
        LEFT JOIN LATERAL (
            SELECT o.events FROM output o
            WHERE o.task = w.task AND o.index = w.index AND o.attempt = w.attempt AND o.stream = s.stream OFFSET 0) e ON true
        GROUP BY 1, 2, 3, 4, 5
    ) x
    CROSS JOIN LATERAL (SELECT t.class FROM task t WHERE t.id = x.task OFFSET 0) t
    CROSS JOIN LATERAL (SELECT c.id, c.cores FROM class c WHERE c.id = coalesce(x.class, t.class) OFFSET 0) c
    CROSS JOIN LATERAL (SELECT s.cloud FROM site s WHERE s.name = x.site OFFSET 0) s
    GROUP BY 1, 2, 3, 4, 5, c.cores, s.cloud ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (day, task, site, class, blame, slot) DO UPDATE SET jobs_done = p.jobs_done + excluded.jobs_done,
        events = p.events + excluded.events, lost_core_ms = p.lost_core_ms + excluded.lost_core_ms;
    RETURN NULL;
END $$;

-- Otherwise as in V0006.
CREATE OR REPLACE VIEW production_counted AS
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
    JOIN class c ON c.id = coalesce(a.leased_class, j.class, t.class)
    LEFT JOIN winner w ON w.task = a.task AND w.index = a.index AND w.attempt = a.attempt
    LEFT JOIN task_stream s ON s.task = a.task AND s.main
    LEFT JOIN accepted e ON e.task = a.task AND e.index = a.index AND e.stream = s.stream AND e.attempt = a.attempt
    WHERE a.state IS NOT NULL
    UNION ALL
    SELECT utc_day(g.at), g.task, g.site, g.class, coalesce(g.blame, ''), 0, 1, 0, 0, 0, 0, 0, 0 FROM given_up g
) x GROUP BY x.day, x.task, x.site, x.class, x.blame;
