import Postgres

extension Doctor {
    /// Where each job is.
    static var jobs: [Invariant] {
        [
            Invariant(
                "jobs-have-a-place",
                "every job of a task that runs or has run waits in one range or has a row that does not wait",
                """
                SELECT format('task %s: of %s jobs %s wait in ranges and %s have begun', t.id, t.jobs_total, w.jobs, j.jobs) AS example
                FROM task t
                CROSS JOIN LATERAL (SELECT coalesce(sum(last - first + 1), 0)::bigint AS jobs FROM waiting w WHERE w.task = t.id) w
                CROSS JOIN LATERAL (SELECT count(*) AS jobs FROM job j WHERE j.task = t.id AND j.state <> 'waiting') j
                WHERE t.state IN ('scouting', 'running', 'finishing', 'paused', 'done', 'failed') AND t.jobs_total IS NOT NULL
                  AND w.jobs + j.jobs <> t.jobs_total AND \(fragment: Self.isAtHand("t.id"))
                """
            ),
            Invariant(
                "held-attempts-are-tallied",
                "what the tally says of each agent is what is leased to it",
                """
                SELECT format('agent %s at %s: %s attempts are leased to it, the tally says %s', s.agent, s.site, l.count, h.count) AS example
                FROM agent_session s
                CROSS JOIN LATERAL (
                    SELECT count(*) AS count, coalesce(sum(((l.task * 1000003 + l.index) * 31 + l.attempt) % 4294967291), 0) AS hash
                    FROM lease l WHERE l.holder = s.id) l
                CROSS JOIN LATERAL (
                    SELECT coalesce(sum(h.count), 0) AS count, coalesce(sum(h.hash), 0) AS hash FROM held_tally h WHERE h.holder = s.id) h
                WHERE l.count <> h.count OR l.hash <> h.hash
                """
            ),
            Invariant(
                "jobs-are-in-one-place",
                "no job waits in a range while its row says that it is active, recovering or terminal",
                """
                SELECT format('job %s.%s is %s and waits in the range %s to %s', j.task, j.index, j.state, w.first, w.last) AS example
                FROM waiting w JOIN job j ON j.task = w.task AND j.index BETWEEN w.first AND w.last WHERE j.state <> 'waiting'
                """
            ),
            Invariant(
                "waiting-jobs-are-in-a-range",
                "a job whose row says that it waits is in a range: otherwise nobody would ever lease it",
                """
                SELECT format('job %s.%s waits in no range', j.task, j.index) AS example
                FROM job j WHERE j.state = 'waiting'
                  -- Ranges do not overlap: only the last that begins at or before it can hold it.
                  AND coalesce((SELECT w.last FROM waiting w WHERE w.task = j.task AND w.first <= j.index ORDER BY w.first DESC LIMIT 1), -1)
                    < j.index
                """
            ),
            Invariant(
                "active-jobs-are-leased",
                "an active job has its lease, or an attempt that the books refused and whose verdict is on its way",
                """
                SELECT format('job %s.%s is active without a lease', j.task, j.index) AS example
                FROM job j WHERE j.state = 'active'
                  AND NOT EXISTS (SELECT 1 FROM lease l WHERE l.task = j.task AND l.index = j.index)
                  AND NOT EXISTS (
                    SELECT 1 FROM attempt a
                    WHERE a.task = j.task AND a.index = j.index AND a.attempt = j.attempts AND a.state = 'failed' AND NOT EXISTS (
                        SELECT 1 FROM verdict v WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt))
                """
            ),
            Invariant(
                "leases-are-of-live-attempts",
                "a lease is of the last attempt of an active job, and every attempt that has not ended has its lease",
                """
                SELECT format('attempt %s.%s.%s is leased: job %s, attempt %s', l.task, l.index, l.attempt, coalesce(j.state, 'missing'),
                              CASE WHEN a.attempt IS NULL THEN 'missing' WHEN a.attempt <> j.attempts THEN 'not the last'
                                   ELSE coalesce(a.state, 'live') END) AS example
                FROM lease l LEFT JOIN job j ON j.task = l.task AND j.index = l.index
                LEFT JOIN attempt a ON a.task = l.task AND a.index = l.index AND a.attempt = l.attempt
                WHERE j.state IS DISTINCT FROM 'active' OR a.attempt IS NULL OR a.state IS NOT NULL OR a.attempt <> j.attempts
                UNION ALL
                SELECT format('attempt %s.%s.%s has neither a lease nor an end', a.task, a.index, a.attempt)
                FROM attempt a WHERE a.state IS NULL AND NOT EXISTS (
                    SELECT 1 FROM lease l WHERE l.task = a.task AND l.index = a.index AND l.attempt = a.attempt)
                """
            ),
            Invariant(
                "recovering-jobs-have-a-verdict",
                "the last attempt of a recovering job has a verdict that is still to be carried out",
                """
                SELECT format('job %s.%s is recovering and no verdict waits for it', j.task, j.index) AS example
                FROM job j WHERE j.state = 'recovering' AND NOT EXISTS (
                    SELECT 1 FROM verdict v WHERE v.task = j.task AND v.index = j.index AND v.attempt = j.attempts
                        AND v.carried_out_at IS NULL)
                """
            ),
            Invariant(
                "failed-attempts-have-a-verdict",
                "every attempt that failed or was lost has one verdict within a minute, and no other attempt has one",
                """
                SELECT format('attempt %s.%s.%s %s at %s without a verdict', a.task, a.index, a.attempt, a.state, a.ended_at) AS example
                FROM attempt a WHERE a.state IN ('failed', 'lost') AND a.ended_at < now() - interval '1 minute' AND NOT EXISTS (
                    SELECT 1 FROM verdict v WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt)
                UNION ALL
                SELECT format('attempt %s.%s.%s has a verdict and is %s', v.task, v.index, v.attempt, coalesce(a.state, 'live'))
                FROM verdict v LEFT JOIN attempt a ON a.task = v.task AND a.index = v.index AND a.attempt = v.attempt
                WHERE a.state IS NULL OR a.state NOT IN ('failed', 'lost')
                """
            ),
            Invariant(
                "open-verdicts-can-be-carried-out",
                "a verdict that is not carried out is about a job that is recovering",
                """
                SELECT format('verdict %s of attempt %s.%s.%s is open and its job is %s', v.action, v.task, v.index, v.attempt,
                              coalesce(j.state, 'missing')) AS example
                FROM verdict v LEFT JOIN job j ON j.task = v.task AND j.index = v.index
                WHERE v.carried_out_at IS NULL AND j.state IS DISTINCT FROM 'recovering'
                """
            ),
            Invariant(
                "nothing-is-counted-twice",
                "a job has as many attempts as it counts, and no more counted failures than verdicts that count",
                """
                SELECT format('job %s.%s counts %s attempts and %s failures; there are %s and %s', j.task, j.index, j.attempts,
                              j.failures, a.made, v.counted) AS example
                FROM job j
                CROSS JOIN LATERAL (SELECT count(*) AS made FROM attempt a WHERE a.task = j.task AND a.index = j.index) a
                CROSS JOIN LATERAL (
                    SELECT count(*) AS counted FROM verdict v WHERE v.task = j.task AND v.index = j.index AND v.counted AND NOT v.forgiven) v
                WHERE j.attempts <> a.made OR j.failures > v.counted
                """
            ),
        ]
    }

    /// How tasks and requests follow their jobs, and what must not be forgotten.
    static var tasks: [Invariant] {
        [
            Invariant(
                "ranges-belong-to-running-tasks",
                "ranges wait only in tasks that run or are paused, within the task's jobs, and held exactly when task or request is, or the task's scouts run",
                """
                SELECT format('range %s to %s of task %s (%s, %s jobs) in request %s (%s) is %s', w.first, w.last, t.id, t.state,
                              t.jobs_total, r.id, r.state, CASE WHEN w.held THEN 'held' ELSE 'not held' END) AS example
                FROM waiting w JOIN task t ON t.id = w.task JOIN request r ON r.id = t.request
                WHERE t.state NOT IN ('scouting', 'running', 'paused') OR w.last >= coalesce(t.jobs_total, 0)
                   OR w.held <> range_is_held(t.state, r.state, t.scouts, w.first)
                   OR t.state = 'scouting' AND w.first < t.scouts AND w.last >= t.scouts
                """
            ),
            Invariant(
                "tasks-end-with-their-jobs",
                "a task that is done or failed has no job that is not terminal",
                """
                SELECT format('task %s is %s and job %s.%s is %s', t.id, t.state, j.task, j.index, j.state) AS example
                FROM task t JOIN job j ON j.task = t.id
                WHERE t.state IN ('done', 'failed') AND j.state IN ('waiting', 'active', 'recovering')
                """
            ),
            Invariant(
                "requests-end-with-their-tasks",
                "a request that may run has a task that has not ended, and one that has ended has none",
                """
                SELECT format('request %s is %s and %s of its %s tasks have not ended', r.id, r.state, t.open, t.tasks) AS example
                FROM request r CROSS JOIN LATERAL (
                    SELECT count(*) AS tasks, count(*) FILTER (WHERE state NOT IN ('done', 'failed', 'aborted')) AS open
                    FROM task t WHERE t.request = r.id) t
                WHERE (r.state IN ('approved', 'running') AND t.open = 0)
                   OR (r.state IN ('finished', 'failed', 'cancelled', 'rejected') AND t.open > 0)
                """
            ),
            Invariant(
                "nothing-is-overdue",
                "what waits for a time or for a service was taken up within five minutes of being due",
                """
                SELECT format('range %s to %s of task %s has been due since %s', first, last, task, not_before) AS example
                FROM waiting WHERE NOT due AND not_before < now() - interval '5 minutes'
                UNION ALL
                SELECT format('attempt %s.%s.%s is leased to %s at %s, which is %s since %s', l.task, l.index, l.attempt, s.agent, s.site,
                              s.state, s.last_seen)
                FROM lease l JOIN agent_session s ON s.id = l.holder JOIN site ON site.name = s.site
                WHERE s.state <> 'here' AND s.last_seen < now() - site.lost_after - interval '5 minutes'
                UNION ALL
                SELECT format('verdict %s of attempt %s.%s.%s is open since %s', action, task, index, attempt, at)
                FROM verdict WHERE carried_out_at IS NULL AND at < now() - interval '5 minutes'
                UNION ALL
                SELECT format('the lease of transfer %s ended at %s', id, lease_until)
                FROM transfer WHERE state = 'active' AND lease_until < now() - interval '5 minutes'
                UNION ALL
                SELECT format('the lease of registration %s (%s) ended at %s', id, lfn, lease_until)
                FROM registration WHERE state = 'active' AND lease_until < now() - interval '5 minutes'
                UNION ALL
                SELECT format('a message to %s, %s, is unsent since %s', exchange, routing_key, created_at)
                FROM outbox WHERE created_at < now() - interval '5 minutes'
                """
            ),
        ]
    }
}
