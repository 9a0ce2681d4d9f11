-- The catalogue, part 4: the views of the public contract. Columns may be added, these stay.

CREATE VIEW request_view AS
SELECT r.id AS request, w.name AS workflow, r.state, r.owner, r.priority, r.created, r.updated, r.title, r.cause AS reason,
       w.version AS workflow_version, r.version, r.share, r.origin, r.continues,
       (SELECT max(n.id) FROM request n WHERE n.continues = r.id
        AND (n.state NOT IN ('rejected', 'cancelled') OR EXISTS (SELECT 1 FROM task t WHERE t.request = n.id))) AS continued_by
FROM request r JOIN workflow w ON w.id = r.workflow;

CREATE VIEW task_view AS
SELECT t.id AS task, t.request, t.name, t.kind, t.state, t.jobs_total,
       coalesce(c.done, 0) AS jobs_done, coalesce(c.active, 0) AS jobs_active,
       greatest(coalesce(t.jobs_total, 0) - coalesce(c.done + c.active + c.aborted + c.cancelled + c.recovering, 0), 0) AS jobs_waiting,
       coalesce(c.aborted, 0) AS jobs_aborted,
       t.events_total AS events_expected, coalesce(c.events, 0) AS events_done,
       coalesce(c.recovering, 0) AS jobs_recovering, coalesce(c.cancelled, 0) AS jobs_cancelled, coalesce(c.lost, 0) AS events_lost,
       t.cause AS reason, t.priority, t.position
FROM task t LEFT JOIN LATERAL (
    SELECT sum(done)::bigint AS done, sum(active)::bigint AS active, sum(aborted)::bigint AS aborted,
           sum(cancelled)::bigint AS cancelled, sum(recovering)::bigint AS recovering, sum(events)::bigint AS events,
           sum(lost)::bigint AS lost
    FROM task_counter c WHERE c.task = t.id
) c ON true;

-- Shares, with the cores that running jobs of each use, and the requests of it that have not ended.
CREATE VIEW share_view AS
SELECT s.name AS share, s.parent, s.weight, coalesce(u.cores, 0) AS cores,
       (SELECT count(*) FROM request r WHERE r.share = s.name AND r.state IN ('new', 'approved', 'running', 'held')) AS requests,
       s.who, s.changed
FROM share s LEFT JOIN (
    SELECT c.share, sum(k.active * c.cores)::bigint AS cores FROM task t JOIN class c ON c.id = t.class JOIN task_counter k ON k.task = t.id
    WHERE t.state IN ('waiting', 'scouting', 'running', 'finishing', 'paused') GROUP BY c.share
) u ON u.share = s.name;

CREATE VIEW waiting_view AS SELECT task, class, priority, first, last, not_before, excluded, held FROM waiting;

CREATE VIEW job_view AS
SELECT j.task, j.index, j.state, j.attempts, w.attempt AS winner, j.events_expected, j.failures, j.cause AS reason, j.split_from
FROM job j LEFT JOIN winner w ON w.task = j.task AND w.index = j.index;

CREATE VIEW attempt_view AS
SELECT a.task, a.index, a.attempt, a.site, a.agent, a.node, a.batch_id, coalesce(a.state, l.state, 'leased') AS state,
       a.leased_at, a.started_at, a.ended_at, a.cpu_seconds, a.wall_seconds, a.memory_peak, a.code, a.blame,
       a.diagnostic, coalesce(a.step, l.step) AS step, a.events_expected, a.events_read, a.state AS final_state
FROM attempt a LEFT JOIN lease l ON l.task = a.task AND l.index = a.index AND l.attempt = a.attempt;

-- The counts are made for the rows that are shown.
CREATE VIEW submission_view AS
SELECT s.id AS submission, t.request, s.task, s.site, s.agent, s.name AS batch, s.attempts, s.input_files,
       (SELECT count(*) FROM attempt a WHERE a.submission = s.id AND a.state IS NULL) AS live,
       (SELECT count(*) FROM attempt a WHERE a.submission = s.id AND a.state = 'done') AS done,
       (SELECT count(*) FROM attempt a WHERE a.submission = s.id AND a.state IN ('failed', 'lost', 'cancelled')) AS failed, s.at
FROM batch_submission s JOIN task t ON t.id = s.task;

CREATE VIEW output_view AS
SELECT o.task, o.index, o.attempt, o.stream, o.events, f.lfn, ac.attempt IS NOT NULL AS accepted
FROM output o LEFT JOIN file f ON f.id = o.file
LEFT JOIN accepted ac ON ac.task = o.task AND ac.index = o.index AND ac.stream = o.stream AND ac.attempt = o.attempt;

-- The one query: who made this file, from what, with which software, where is it.
CREATE VIEW file_view AS
SELECT f.lfn, f.bytes, f.adler32, f.crc32c, f.events, f.task, f.index, f.attempt, f.software, f.site,
       ARRAY(SELECT p.lfn FROM file_parent fp JOIN file p ON p.id = fp.parent WHERE fp.file = f.id ORDER BY p.lfn) AS parents,
       ARRAY(SELECT r.storage FROM replica r WHERE r.file = f.id AND r.state = 'available' ORDER BY r.storage) AS replicas,
       f.created, f.lost, f.id AS file
FROM file f;

CREATE VIEW replica_view AS SELECT f.lfn, r.storage, r.state, r.at FROM replica r JOIN file f ON f.id = r.file;

CREATE VIEW dataset_view AS
SELECT d.name AS dataset, d.state, coalesce(sum(c.files), 0)::bigint AS files, coalesce(sum(c.bytes), 0)::bigint AS bytes,
       coalesce(sum(c.events), 0)::bigint AS events, d.task, d.stream, d.home, d.created, d.closed
FROM dataset d LEFT JOIN dataset_counter c ON c.dataset = d.id GROUP BY d.id;

CREATE VIEW transfer_view AS
SELECT f.lfn, t.source, t.destination, t.state, t.tries, t.not_before, t.reason, t.id AS transfer, t.created, t.updated
FROM transfer t JOIN file f ON f.id = t.file;

CREATE VIEW verdict_view AS
SELECT task, index, attempt, action, blame, class, code, diagnostic, rule, counted AND NOT forgiven AS counted, at, carried_out_at,
       site, node, reason, not_before, changes, fingerprint, blame_rule, observed, forgiven
FROM verdict;

CREATE VIEW transition_view AS
SELECT id, entity, version, from_state AS "from", to_state AS "to", cause, who, at, detail, kind FROM transition;

-- Sums of all sites at once: asked site by site, the failures of the hour would be read as often as there are sites.
CREATE VIEW site_view AS
SELECT s.name AS site, s.access, s.reason, coalesce(a.agents, 0) AS agents, coalesce(a.running, 0) AS running,
       coalesce(f.failed, 0) AS failed_1h, a.last_seen, s.cloud, s.until, s.who
FROM site s LEFT JOIN (
    SELECT a.site, count(*) FILTER (WHERE a.state = 'here') AS agents, max(a.last_seen) AS last_seen, sum(h.count)::bigint AS running
    FROM agent_session a LEFT JOIN (SELECT holder, sum(count) AS count FROM held_tally GROUP BY holder) h ON h.holder = a.id
    GROUP BY a.site
) a ON a.site = s.name LEFT JOIN (
    SELECT site, count(*) AS failed FROM attempt
    WHERE state IN ('failed', 'lost') AND ended_at > now() - interval '1 hour' GROUP BY site
) f ON f.site = s.name;

-- The request tracker of sample by simulation: generated = events assigned, processed = accepted, damaged = given up. Of a task that
-- another goes on with only what it did counts: the rest is assigned to that one.
CREATE VIEW tracker_view AS
SELECT r.sample AS gen_id, r.simulation AS sim_id, r.owner AS username, s.ssw, s.ssw_ver, s.detector_model, s.physics_list,
       coalesce(sum(CASE WHEN c.id IS NULL THEN t.events_expected ELSE t.events_done END), 0)::bigint AS generated,
       coalesce(sum(t.events_done), 0)::bigint AS processed,
       coalesce(sum(CASE WHEN c.id IS NULL THEN t.events_lost ELSE 0 END), 0)::bigint AS damaged,
       array_agg(r.id ORDER BY r.id) AS requests
FROM request r JOIN simulation s ON s.sim_id = r.simulation
LEFT JOIN task_view t ON t.request = r.id AND t.position = 0 LEFT JOIN task c ON c.continues = t.task
WHERE r.sample IS NOT NULL AND r.state NOT IN ('new', 'rejected')
GROUP BY r.sample, r.simulation, r.owner, s.ssw, s.ssw_ver, s.detector_model, s.physics_list
ORDER BY gen_id, sim_id, username;
