-- The catalogue, part 27: what a task leaves undone, and the one that goes on with it cannot do because its inputs are lost, stays damaged.

-- Job by job: those that were given up or cancelled, with the events and slices that no later version has in a job. All columns of what was given up,
-- so that a page of both goes by their keys; kept beside the jobs, as that is.
CREATE TABLE left_behind (LIKE given_up, PRIMARY KEY (task, index), FOREIGN KEY (task) REFERENCES task, FOREIGN KEY (class) REFERENCES class,
                          CHECK (events > 0));

-- Notes it anew for the tasks that go before the latest. A file that is lost later is in a job of that one, which answers for it. Only tasks
-- that read nothing the others make: what those lose is made again, and the tracker does not count their readers.
CREATE FUNCTION note_left_behind(latest bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    versions bigint[];
    room     bigint;
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
            -- From what is lost, which is little; jobs that were given up or cancelled may be many.
            SELECT v.task, v.index, f.lfn, l.slice
            FROM (SELECT f.id, f.lfn FROM file f WHERE f.lost OFFSET 0) f
            CROSS JOIN LATERAL (
                SELECT u.file, u.task, u.index, u.slice FROM (
                    -- The index that keeps slices from overlapping cannot take an array: it is the one of files that is asked.
                    SELECT u.file, u.task, u.index, u.slice FROM unit_input u WHERE u.file = ANY (ARRAY[f.id]) OFFSET 0) u
                WHERE u.task = ANY (versions) OFFSET 0) v
            CROSS JOIN LATERAL (
                SELECT 1 FROM job j WHERE j.task = v.task AND j.index = v.index AND j.state IN ('aborted', 'cancelled') OFFSET 0) j
            CROSS JOIN LATERAL (
                SELECT unnest(int8multirange(v.slice) - coalesce(range_agg(x.slice), '{}')) AS slice
                FROM unnest(versions) AS w(task)
                CROSS JOIN LATERAL (SELECT x.slice FROM unit_input x WHERE x.task = w.task AND x.file = v.file OFFSET 0) x
                WHERE w.task > v.task) l
            WHERE v.task <> latest
        ) s GROUP BY s.task, s.index
    ) x CROSS JOIN LATERAL (SELECT t.class FROM task t WHERE t.id = x.task OFFSET 0) t
    LEFT JOIN LATERAL (SELECT g.* FROM given_up g WHERE g.task = x.task AND g.index = x.index OFFSET 0) g ON true
    WHERE coalesce(room > x.before, true);
END $$;

-- When another goes on with them, when that one takes its inputs, and when it ends: it may have been fed, or never begun.
CREATE FUNCTION leave_behind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note_left_behind(NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER left_behind_new AFTER INSERT ON task FOR EACH ROW WHEN (NEW.continues IS NOT NULL) EXECUTE FUNCTION leave_behind();
CREATE TRIGGER left_behind_changed AFTER UPDATE ON task FOR EACH ROW
    WHEN (NEW.continues IS NOT NULL AND (OLD.jobs_total IS NULL AND NEW.jobs_total IS NOT NULL
          OR OLD.state <> NEW.state AND NEW.state IN ('done', 'failed', 'aborted')))
    EXECUTE FUNCTION leave_behind();

SELECT note_left_behind(t.id) FROM task t WHERE t.continues IS NOT NULL AND NOT EXISTS (SELECT 1 FROM task n WHERE n.continues = t.id);

-- Tasks that did once more what an earlier version had done, before a name was looked for through all versions. They stay in the books as they are.
CREATE TABLE begun_afresh (task bigint PRIMARY KEY REFERENCES task);
INSERT INTO begun_afresh
WITH RECURSIVE version(request, before) AS (
    SELECT r.id, r.continues FROM request r WHERE r.continues IS NOT NULL
    UNION ALL SELECT v.request, r.continues FROM version v JOIN request r ON r.id = v.before WHERE r.continues IS NOT NULL
)
SELECT DISTINCT t.id FROM version v JOIN task t ON t.request = v.request AND t.continues IS NULL
JOIN task b ON b.request = v.before AND b.name = t.name;

-- The views of V0021. Of a task that another goes on with what it did counts, and what it leaves behind: the rest is assigned to that one.
CREATE OR REPLACE VIEW tracker_view AS
SELECT r.sample AS gen_id, r.simulation AS sim_id, r.owner AS username, s.ssw, s.ssw_ver, s.detector_model, s.physics_list,
       coalesce(sum(CASE WHEN c.id IS NULL THEN t.events_expected ELSE t.events_done + l.events END), 0)::bigint AS generated,
       coalesce(sum(t.events_done), 0)::bigint AS processed,
       coalesce(sum(CASE WHEN c.id IS NULL THEN t.events_lost ELSE l.events END), 0)::bigint AS damaged,
       array_agg(DISTINCT r.id ORDER BY r.id) AS requests
FROM request r JOIN simulation s ON s.sim_id = r.simulation
LEFT JOIN first_task f ON f.request = r.id LEFT JOIN task_view t ON t.task = f.task
LEFT JOIN task c ON c.continues = t.task
CROSS JOIN LATERAL (SELECT coalesce(sum(b.events), 0) AS events FROM left_behind b WHERE b.task = t.task) l
WHERE r.sample IS NOT NULL AND r.state NOT IN ('new', 'rejected')
GROUP BY r.sample, r.simulation, r.owner, s.ssw, s.ssw_ver, s.detector_model, s.physics_list
ORDER BY gen_id, sim_id, username;

CREATE OR REPLACE VIEW damaged_view AS
SELECT r.sample AS gen_id, r.simulation AS sim_id, r.owner AS username, t.request, g.task, g.index, g.events, g.first_event, g.last_event,
       g.inputs, g.attempt, nullif(g.site, '') AS site, g.node, g.code, g.blame, g.diagnostic, g.rule, g.reason, g.who, g.at
FROM (
    SELECT g.task, g.index, g.events, g.first_event, g.last_event, g.inputs, g.attempt, g.site, g.node, g.code, g.blame, g.diagnostic, g.rule,
           g.reason, g.who, g.at, false AS is_left
    FROM given_up g
    UNION ALL
    SELECT b.task, b.index, b.events, b.first_event, b.last_event, b.inputs, b.attempt, b.site, b.node, b.code, b.blame, b.diagnostic, b.rule,
           b.reason, b.who, b.at, true
    FROM left_behind b
) g JOIN task t ON t.id = g.task JOIN request r ON r.id = t.request
WHERE r.sample IS NOT NULL AND r.simulation IS NOT NULL AND r.state NOT IN ('new', 'rejected')
  AND EXISTS (SELECT 1 FROM first_task f WHERE f.task = t.id)
  AND g.is_left = EXISTS (SELECT 1 FROM task c WHERE c.continues = t.id);
