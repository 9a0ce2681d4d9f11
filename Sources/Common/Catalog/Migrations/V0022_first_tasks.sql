-- The catalogue, part 22: which tasks do what was asked for.

-- The view of V0004, and whether the events of a task are what its request asks for, as in the tracker (V0021). Asked by key for each row that is
-- shown, and for no other.
CREATE OR REPLACE VIEW task_view AS
SELECT t.id AS task, t.request, t.name, t.kind, t.state, t.jobs_total,
       coalesce(c.done, 0) AS jobs_done, coalesce(c.active, 0) AS jobs_active,
       greatest(coalesce(t.jobs_total, 0) - coalesce(c.done + c.active + c.aborted + c.cancelled + c.recovering, 0), 0) AS jobs_waiting,
       coalesce(c.aborted, 0) AS jobs_aborted,
       t.events_total AS events_expected, coalesce(c.events, 0) AS events_done,
       coalesce(c.recovering, 0) AS jobs_recovering, coalesce(c.cancelled, 0) AS jobs_cancelled, coalesce(c.lost, 0) AS events_lost,
       t.cause AS reason, t.priority, t.position,
       (SELECT EXISTS (SELECT 1 FROM first_task f WHERE f.task = t.id)) AS is_first
FROM task t LEFT JOIN LATERAL (
    SELECT sum(done)::bigint AS done, sum(active)::bigint AS active, sum(aborted)::bigint AS aborted,
           sum(cancelled)::bigint AS cancelled, sum(recovering)::bigint AS recovering, sum(events)::bigint AS events,
           sum(lost)::bigint AS lost
    FROM task_counter c WHERE c.task = t.id
) c ON true;
