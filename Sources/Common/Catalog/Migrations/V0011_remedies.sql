-- The catalogue, part 11: a job that gets what it was short of is no reason to pause its task.
--
-- Jobs that need more memory or time than was guessed, or fewer events, fail alike and many at once. Each gets more, in steps that are
-- bounded, and the last of these is an abort. Counted among the failures of the task, twenty such jobs paused it while it was being helped.
-- They are counted apart: their wall time is lost all the same.
ALTER TABLE failure_tally ADD COLUMN remedied bigint NOT NULL DEFAULT 0;      -- failures whose jobs got more; not among `failures` and `jobs`

-- Whether what is done about a failure is to give the job more of what it was short of.
CREATE FUNCTION gets_more(action text, changes jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT action = 'resubmit' AND changes ?| ARRAY['memoryMB', 'walltimeSeconds', 'events']
$$;

-- As in V0003 but for the tally: a function is replaced whole, and an applied migration is not edited.
CREATE OR REPLACE FUNCTION log_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
    SELECT 'verdict', 'verdict:' || task || '.' || index || '.' || attempt, 1, action, rule, me(),
           'verdict.' || action || '.' || site,
           jsonb_build_object('task', task, 'index', index, 'attempt', attempt, 'site', site, 'node', node, 'action', action,
               'class', class, 'blame', blame, 'code', code, 'diagnostic', left(diagnostic, 400), 'rule', rule, 'counted', counted,
               'notBefore', not_before, 'changes', changes, 'at', at)
    FROM n;

    INSERT INTO failure_tally AS t (task, fingerprint, failures, jobs, remedied, lost_seconds)
    SELECT n.task, n.fingerprint, count(*) FILTER (WHERE NOT e.more), count(*) FILTER (WHERE NOT e.more AND NOT e.before),
           count(*) FILTER (WHERE e.more), coalesce(sum(e.wall), 0)
    FROM n CROSS JOIN LATERAL (
        SELECT gets_more(n.action, n.changes) AS more,
               EXISTS (SELECT 1 FROM verdict v WHERE v.task = n.task AND v.index = n.index AND v.attempt < n.attempt
                          AND v.fingerprint = n.fingerprint AND v.counted AND NOT v.forgiven AND NOT gets_more(v.action, v.changes)) AS before,
               (SELECT a.wall_seconds FROM attempt a WHERE a.task = n.task AND a.index = n.index AND a.attempt = n.attempt) AS wall OFFSET 0
    ) e WHERE n.counted GROUP BY n.task, n.fingerprint ORDER BY n.task, n.fingerprint
    ON CONFLICT (task, fingerprint) DO UPDATE SET failures = t.failures + excluded.failures, jobs = t.jobs + excluded.jobs,
        remedied = t.remedied + excluded.remedied, lost_seconds = t.lost_seconds + excluded.lost_seconds;
    RETURN NULL;
END $$;
