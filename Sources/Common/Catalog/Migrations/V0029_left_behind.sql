-- The catalogue, part 29: what is left behind is found from what the earlier versions did, too.
--
-- Files that clean-ups deleted stay in the catalogue as lost. In V0027 each of them was looked for in all tasks' jobs, whenever a task that goes on
-- with another was made, began and ended.

-- Notes it anew for the tasks that go before the latest. A file that is lost later is in a job of that one, which answers for it. Only tasks
-- that read nothing the others make: what those lose is made again, and the tracker does not count their readers.
CREATE OR REPLACE FUNCTION note_left_behind(latest bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    versions bigint[];
    room     bigint;
    gone     bigint[];
    few      bigint;
BEGIN
    versions := ARRAY(
        WITH RECURSIVE version(task) AS (
            SELECT latest UNION ALL SELECT t.continues FROM version v JOIN task t ON t.id = v.task WHERE t.continues IS NOT NULL
        ) SELECT v.task FROM version v);
    IF NOT EXISTS (SELECT 1 FROM task_input i WHERE i.task = ANY (versions))
       OR EXISTS (SELECT 1 FROM task_input i WHERE i.task = ANY (versions) AND i.parent IS NOT NULL)
       -- What was noted stays: what it was noted from is not at hand.
       OR EXISTS (SELECT 1 FROM archived_task a WHERE a.task = ANY (versions)) THEN RETURN; END IF;
    IF NOT EXISTS (SELECT 1 FROM file f WHERE f.lost) THEN
        DELETE FROM left_behind b WHERE b.task = ANY (versions);
        RETURN;
    END IF;
    -- From what is lost, or from jobs that were given up or cancelled, whichever is less: catalogues keep the names of all that was ever deleted.
    SELECT greatest(1000, sum(c.aborted + c.cancelled)) INTO few FROM task_counter c WHERE c.task = ANY (versions);
    IF (SELECT count(*) FROM (SELECT FROM file f WHERE f.lost LIMIT few + 1) l) <= few THEN
        gone := ARRAY(SELECT f.id FROM file f WHERE f.lost);
    ELSE
        gone := ARRAY(
            SELECT DISTINCT u.file FROM unnest(versions) AS v(task)
            CROSS JOIN LATERAL (
                SELECT j.index FROM job j WHERE j.task = v.task AND j.state IN ('aborted', 'cancelled') OFFSET 0) j
            CROSS JOIN LATERAL (
                SELECT u.file FROM unit_input u WHERE u.task = ANY (ARRAY[v.task]) AND u.index = j.index OFFSET 0) u
            CROSS JOIN LATERAL (SELECT FROM file f WHERE f.id = u.file AND f.lost OFFSET 0) f
            WHERE v.task <> latest);
    END IF;
    -- Below a limit others are read instead of what is lost: of all that is wanted so much is not there.
    SELECT min(i.events) - t.events_total INTO room FROM task t JOIN task_input i ON i.task = t.id WHERE t.id = latest GROUP BY t.id;
    DELETE FROM left_behind b WHERE b.task = ANY (versions);
    INSERT INTO left_behind (task, index, events, inputs, attempt, site, node, class, code, blame, diagnostic, rule, reason, who, at)
    SELECT x.task, x.index, least(x.events, room - x.before), x.inputs, g.attempt, coalesce(g.site, ''), g.node, coalesce(g.class, t.class), g.code,
           g.blame, g.diagnostic, g.rule, coalesce(g.reason, 'it was cancelled, and its input is lost'), g.who, coalesce(g.at, clock_timestamp())
    FROM (
        SELECT s.task, s.index, sum(upper(s.slice) - lower(s.slice))::bigint AS events,
               coalesce(sum(sum(upper(s.slice) - lower(s.slice))) OVER (
                   ORDER BY s.task, s.index ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS before,
               jsonb_agg(jsonb_build_object('lfn', s.lfn, 'first_event', lower(s.slice), 'last_event', upper(s.slice) - 1)
                         ORDER BY s.lfn, lower(s.slice)) AS inputs
        FROM (
            SELECT v.task, v.index, f.lfn, l.slice
            FROM unnest(gone) AS g(file) CROSS JOIN LATERAL (SELECT f.lfn FROM file f WHERE f.id = g.file OFFSET 0) f
            CROSS JOIN LATERAL (
                SELECT u.file, u.task, u.index, u.slice FROM unnest(versions) AS w(task) CROSS JOIN LATERAL (
                    -- The index that keeps slices from overlapping cannot take an array: it is the one of files that is asked.
                    SELECT u.file, u.task, u.index, u.slice FROM unit_input u WHERE u.task = w.task AND u.file = ANY (ARRAY[g.file]) OFFSET 0) u
                WHERE w.task <> latest) v
            CROSS JOIN LATERAL (
                SELECT 1 FROM job j WHERE j.task = v.task AND j.index = v.index AND j.state IN ('aborted', 'cancelled') OFFSET 0) j
            CROSS JOIN LATERAL (
                SELECT unnest(int8multirange(v.slice) - coalesce(range_agg(x.slice), '{}')) AS slice
                FROM unnest(versions) AS w(task)
                CROSS JOIN LATERAL (SELECT x.slice FROM unit_input x WHERE x.task = w.task AND x.file = v.file OFFSET 0) x
                WHERE w.task > v.task) l
        ) s GROUP BY s.task, s.index
    ) x CROSS JOIN LATERAL (SELECT t.class FROM task t WHERE t.id = x.task OFFSET 0) t
    LEFT JOIN LATERAL (SELECT g.* FROM given_up g WHERE g.task = x.task AND g.index = x.index OFFSET 0) g ON true
    WHERE coalesce(room > x.before, true);
END $$;
