-- The catalogue, part 21: events that a job does not make are counted as damaged, whoever ended it. Jobs that were killed before this part was
-- there stay cancelled, and uncounted.

-- A job whose attempt an operator had killed is given up while its task goes on, and cancelled only with its task.
INSERT INTO legal_transition (kind, from_state, to_state) VALUES ('job', 'active', 'aborted');

-- The tasks whose events are what their request asks for, wherever they stand in the workflow: those that make events; if there are none, the
-- first of those that read nothing the others make. The other tasks work on the same events.
CREATE VIEW first_task AS
SELECT t.id AS task, t.request FROM task t
WHERE NOT EXISTS (SELECT 1 FROM task_input i WHERE i.task = t.id)
   OR NOT EXISTS (SELECT 1 FROM task_input i WHERE i.task = t.id AND i.parent IS NOT NULL)
      AND NOT EXISTS (
        SELECT 1 FROM task f WHERE f.request = t.request AND f.id <> t.id
          AND (NOT EXISTS (SELECT 1 FROM task_input i WHERE i.task = f.id)
               OR f.position < t.position AND NOT EXISTS (SELECT 1 FROM task_input i WHERE i.task = f.id AND i.parent IS NOT NULL)));

-- The tracker counts those. Otherwise the views are those of V0004 and V0006.
CREATE OR REPLACE VIEW tracker_view AS
SELECT r.sample AS gen_id, r.simulation AS sim_id, r.owner AS username, s.ssw, s.ssw_ver, s.detector_model, s.physics_list,
       coalesce(sum(CASE WHEN c.id IS NULL THEN t.events_expected ELSE t.events_done END), 0)::bigint AS generated,
       coalesce(sum(t.events_done), 0)::bigint AS processed,
       coalesce(sum(CASE WHEN c.id IS NULL THEN t.events_lost ELSE 0 END), 0)::bigint AS damaged,
       array_agg(DISTINCT r.id ORDER BY r.id) AS requests
FROM request r JOIN simulation s ON s.sim_id = r.simulation
LEFT JOIN first_task f ON f.request = r.id LEFT JOIN task_view t ON t.task = f.task
LEFT JOIN task c ON c.continues = t.task
WHERE r.sample IS NOT NULL AND r.state NOT IN ('new', 'rejected')
GROUP BY r.sample, r.simulation, r.owner, s.ssw, s.ssw_ver, s.detector_model, s.physics_list
ORDER BY gen_id, sim_id, username;

CREATE OR REPLACE VIEW damaged_view AS
SELECT r.sample AS gen_id, r.simulation AS sim_id, r.owner AS username, t.request, g.task, g.index, g.events, g.first_event, g.last_event,
       g.inputs, g.attempt, nullif(g.site, '') AS site, g.node, g.code, g.blame, g.diagnostic, g.rule, g.reason, g.who, g.at
FROM given_up g JOIN task t ON t.id = g.task JOIN request r ON r.id = t.request
WHERE r.sample IS NOT NULL AND r.simulation IS NOT NULL AND r.state NOT IN ('new', 'rejected')
  AND EXISTS (SELECT 1 FROM first_task f WHERE f.task = t.id)
  AND NOT EXISTS (SELECT 1 FROM task c WHERE c.continues = t.id);

-- What became of the attempts of a submission is not known while their rows are in the archive: NULL, not none.
CREATE OR REPLACE VIEW submission_view AS
SELECT s.id AS submission, t.request, s.task, s.site, s.agent, s.name AS batch, s.attempts, s.input_files,
       c.live, c.done, c.failed, s.at
FROM batch_submission s JOIN task t ON t.id = s.task
CROSS JOIN LATERAL (
    SELECT CASE WHEN h.there THEN count(*) FILTER (WHERE a.state IS NULL) END AS live,
           CASE WHEN h.there THEN count(*) FILTER (WHERE a.state = 'done') END AS done,
           CASE WHEN h.there THEN count(*) FILTER (WHERE a.state IN ('failed', 'lost', 'cancelled')) END AS failed
    FROM (SELECT NOT EXISTS (SELECT 1 FROM archived_task w WHERE w.task = s.task) AS there) h
    LEFT JOIN attempt a ON a.task = s.task AND a.submission = s.id
    GROUP BY h.there OFFSET 0) c;

-- The verdicts of rules that end a task: whether one of them was not ended is asked for again and again.
CREATE INDEX verdict_ends_task ON verdict (task) WHERE changes->>'task' = 'abort';
