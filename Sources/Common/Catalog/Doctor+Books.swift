import Postgres

extension Doctor {
    /// Count once, merge once, one winner per job.
    static var books: [Invariant] {
        [
            Invariant(
                "what-comes-is-taken",
                "inputs wait only for tasks that take them, and no input waits that is in a job already",
                """
                SELECT format('file %s waits for task %s, which is %s', p.file, p.task, t.state) AS example
                FROM pending_input p JOIN task t ON t.id = p.task
                WHERE NOT t.inputs_open OR t.state IN ('done', 'failed', 'aborted')
                   OR EXISTS (SELECT 1 FROM unit_input u WHERE u.task = p.task AND u.file = p.file)
                UNION ALL
                SELECT format('task %s, which is %s, is fed from dataset %s', f.task, t.state, f.dataset)
                FROM input_feed f JOIN task t ON t.id = f.task WHERE NOT t.inputs_open
                """
            ),
            Invariant(
                "split-jobs-cover-their-events",
                "the jobs that replace another have its events, none twice and none left out",
                """
                SELECT format('job %s.%s with %s events was replaced by %s jobs with %s', j.task, j.index, j.events_expected, p.jobs, p.events)
                    AS example
                FROM job j CROSS JOIN LATERAL (
                    SELECT count(*) AS jobs, coalesce(sum(p.events_expected), 0) AS events,
                           count(*) FILTER (WHERE p.first_event <> p.wanted) AS misplaced
                    FROM (SELECT p.*, lag(p.first_event + p.events_expected, 1, p.first_event) OVER (ORDER BY p.index) AS wanted
                          FROM job p WHERE p.task = j.task AND p.split_from = j.index) p
                ) p
                WHERE j.state = 'replaced' AND (p.jobs < 2 OR p.events <> j.events_expected OR p.misplaced > 0)
                """
            ),
            Invariant(
                "versions-do-nothing-twice",
                "what one version of a task did no later one does again unless it is lost, and nothing is added to a version that another goes on with",
                """
                WITH RECURSIVE earlier(task, before) AS (
                    SELECT id, continues FROM task WHERE continues IS NOT NULL
                    UNION ALL SELECT e.task, t.continues FROM earlier e JOIN task t ON t.id = e.before WHERE t.continues IS NOT NULL
                ), version(request, before) AS (
                    SELECT id, continues FROM request WHERE continues IS NOT NULL
                    UNION ALL SELECT v.request, r.continues FROM version v JOIN request r ON r.id = v.before WHERE r.continues IS NOT NULL
                )
                SELECT format('task %s has events %s of file %s in job %s, and job %s.%s of an earlier version read events %s', u.task, u.slice,
                              u.file, u.index, b.task, b.index, b.slice) AS example
                FROM earlier e JOIN unit_input u ON u.task = e.task
                JOIN unit_input b ON b.task = e.before AND b.file = u.file AND b.slice && u.slice
                JOIN winner w ON w.task = b.task AND w.index = b.index
                WHERE NOT \(fragment: Holes.isHole(task: "b.task", index: "b.index", whileRead: true))
                UNION ALL
                SELECT format('task %s numbers its events from %s, task %s before it from %s up to %s', t.id, t.first_event, b.id, b.first_event,
                              b.first_event + b.events_total)
                FROM task t JOIN task b ON b.id = t.continues
                WHERE NOT EXISTS (SELECT 1 FROM task_input i WHERE i.task = t.id) AND t.first_event < b.first_event + b.events_total
                UNION ALL
                SELECT format('task %s is %s and task %s goes on with it', b.id, b.state, t.id)
                FROM task t JOIN task b ON b.id = t.continues WHERE b.state NOT IN ('done', 'failed', 'aborted')
                UNION ALL
                SELECT format('job %s.%s is %s and task %s goes on with its task', j.task, j.index, j.state, t.id)
                FROM task t JOIN job j ON j.task = t.continues WHERE j.state IN ('waiting', 'active', 'recovering')
                UNION ALL
                SELECT format('task %s begins afresh, and task %s of request %s, an earlier version, has its name', t.id, b.id, b.request)
                FROM version v JOIN task t ON t.request = v.request AND t.continues IS NULL JOIN task b ON b.request = v.before AND b.name = t.name
                WHERE NOT EXISTS (SELECT 1 FROM begun_afresh a WHERE a.task = t.id)
                """
            ),
            Invariant(
                "done-jobs-have-one-winner",
                "a job that is done has one winner, no other job has one, and the winner is an attempt that is done",
                """
                SELECT format('job %s.%s is done without a winner', j.task, j.index) AS example
                FROM job j WHERE j.state = 'done'
                  AND NOT EXISTS (SELECT 1 FROM winner w WHERE w.task = j.task AND w.index = j.index)
                UNION ALL
                SELECT format('job %s.%s is %s and attempt %s, %s, is its winner', w.task, w.index, coalesce(j.state, 'missing'), w.attempt,
                              coalesce(a.state, 'live'))
                FROM winner w LEFT JOIN job j ON j.task = w.task AND j.index = w.index
                LEFT JOIN attempt a ON a.task = w.task AND a.index = w.index AND a.attempt = w.attempt
                WHERE j.state IS DISTINCT FROM 'done' OR a.state IS DISTINCT FROM 'done'
                UNION ALL
                SELECT format('job %s.%s has %s winners', task, index, count(*)) FROM winner GROUP BY task, index HAVING count(*) > 1
                """
            ),
            Invariant(
                "accepted-outputs-are-the-winners",
                "every accepted output is the winner's, as it was reported, and a winner has one for every stream",
                """
                SELECT format('stream %s of job %s.%s is accepted from attempt %s, which is not the winner or wrote something else',
                              a.stream, a.task, a.index, a.attempt) AS example
                FROM accepted a
                WHERE NOT EXISTS (SELECT 1 FROM winner w WHERE w.task = a.task AND w.index = a.index AND w.attempt = a.attempt)
                   OR NOT EXISTS (SELECT 1 FROM output o WHERE o.task = a.task AND o.index = a.index AND o.attempt = a.attempt
                                  AND o.stream = a.stream AND o.events = a.events)
                UNION ALL
                SELECT format('stream %s of job %s.%s is not accepted although attempt %s won', s.stream, w.task, w.index, w.attempt)
                FROM winner w JOIN task_stream s ON s.task = w.task
                WHERE NOT EXISTS (SELECT 1 FROM accepted a WHERE a.task = w.task AND a.index = w.index AND a.stream = s.stream)
                """
            ),
            Invariant(
                "winners-read-what-they-should",
                "a winner read as many events as its job expects, and a job with inputs expects what its slices hold; one that was cancelled or given up may have let go of some",
                """
                SELECT format('attempt %s.%s.%s won with %s events, expected are %s', w.task, w.index, w.attempt, a.events_read,
                              j.events_expected) AS example
                FROM winner w JOIN attempt a ON a.task = w.task AND a.index = w.index AND a.attempt = w.attempt
                JOIN job j ON j.task = w.task AND j.index = w.index
                WHERE a.events_read IS DISTINCT FROM j.events_expected
                UNION ALL
                SELECT format('job %s.%s expects %s events, its slices hold %s', j.task, j.index, j.events_expected, u.events)
                FROM job j CROSS JOIN LATERAL (
                    SELECT coalesce(sum(upper(u.slice) - lower(u.slice)), 0)::bigint AS events
                    FROM unit_input u WHERE u.task = j.task AND u.index = j.index) u
                WHERE EXISTS (SELECT 1 FROM task_input i WHERE i.task = j.task) AND j.state <> 'replaced'
                  AND (u.events > j.events_expected OR u.events < j.events_expected AND j.state NOT IN ('cancelled', 'aborted'))
                """
            ),
            Invariant(
                "counters-tell-the-truth",
                "the counters of a task are the sums over its jobs and its accepted events",
                """
                SELECT format('task %s: counted %s, true is %s (active, done, aborted, cancelled, recovering, lost, events)', t.id, c, j) AS example
                FROM task t CROSS JOIN LATERAL (
                    SELECT coalesce(sum(active), 0)::bigint, coalesce(sum(done), 0)::bigint, coalesce(sum(aborted), 0)::bigint,
                           coalesce(sum(cancelled), 0)::bigint, coalesce(sum(recovering), 0)::bigint, coalesce(sum(lost), 0)::bigint,
                           coalesce(sum(events), 0)::bigint
                    FROM task_counter c WHERE c.task = t.id
                ) c CROSS JOIN LATERAL (
                    SELECT count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state = 'done'),
                           count(*) FILTER (WHERE state = 'aborted'), count(*) FILTER (WHERE state IN ('cancelled', 'replaced')),
                           count(*) FILTER (WHERE state = 'recovering'),
                           coalesce(sum(events_expected) FILTER (WHERE state = 'aborted'), 0)::bigint,
                           (SELECT coalesce(sum(a.events), 0)::bigint FROM accepted a
                            JOIN task_stream s ON s.task = a.task AND s.stream = a.stream AND s.main WHERE a.task = t.id)
                    FROM job j WHERE j.task = t.id
                ) j
                WHERE c IS DISTINCT FROM j AND \(fragment: Self.isAtHand("t.id"))
                """
            ),
            Invariant(
                "the-tracker-shows-the-books",
                "the tracker's processed events are the accepted ones, and no more than generated are processed or damaged",
                """
                SELECT format('sample %s, simulation %s of %s: generated %s, processed %s (accepted %s), damaged %s', v.gen_id, v.sim_id,
                              v.username, v.generated, v.processed, b.events, v.damaged) AS example
                FROM tracker_view v CROSS JOIN LATERAL (
                    SELECT coalesce(sum(a.events), 0)::bigint AS events FROM task t JOIN accepted a ON a.task = t.id
                    JOIN task_stream s ON s.task = a.task AND s.stream = a.stream AND s.main
                    WHERE t.request = ANY (v.requests) AND \(fragment: Self.isFirst)
                ) b CROSS JOIN LATERAL (
                    SELECT bool_and(\(fragment: Self.isAtHand("t.id"))) AS rows FROM task t
                    WHERE t.request = ANY (v.requests) AND \(fragment: Self.isFirst)
                ) h
                WHERE (v.processed <> b.events AND h.rows) OR v.processed + v.damaged > v.generated
                """
            ),
            Invariant(
                "nothing-is-merged-twice",
                "no accepted output is input of two merges of one task, nothing else is merged, and no slice is read twice",
                """
                SELECT format('stream %s of job %s.%s is merged %s times by task %s', stream, src_task, src_index, count(*), task) AS example
                FROM merge_input GROUP BY task, src_task, src_index, stream HAVING count(*) > 1
                UNION ALL
                SELECT format('task %s merges stream %s of job %s.%s, which is not accepted', m.task, m.stream, m.src_task, m.src_index)
                FROM merge_input m WHERE NOT EXISTS (
                    SELECT 1 FROM accepted a WHERE a.task = m.src_task AND a.index = m.src_index AND a.stream = m.stream)
                UNION ALL
                SELECT format('events %s of file %s are read more than once by task %s', u.slice * o.slice, u.file, u.task)
                FROM unit_input u JOIN unit_input o ON o.task = u.task AND o.file = u.file AND o.slice && u.slice
                    AND (o.tableoid, o.ctid) > (u.tableoid, u.ctid)
                """
            ),
        ]
    }

    /// The tasks of a request that the tracker counts.
    private static let isFirst: SQL = "EXISTS (SELECT 1 FROM first_task f WHERE f.task = t.id)"

    /// Files, replicas and datasets.
    static var data: [Invariant] {
        [
            Invariant(
                "datasets-hold-what-was-accepted",
                "the dataset of a stream holds exactly its accepted files, and its counters are their sums",
                """
                SELECT format('%s lacks the accepted file of job %s.%s', d.name, a.task, a.index) AS example
                FROM accepted a CROSS JOIN LATERAL (
                    SELECT o.file FROM output o WHERE o.task = a.task AND o.index = a.index AND o.attempt = a.attempt AND o.stream = a.stream
                    OFFSET 0) o
                CROSS JOIN LATERAL (SELECT d.id, d.name FROM dataset d WHERE d.task = a.task AND d.stream = a.stream OFFSET 0) d
                LEFT JOIN LATERAL (
                    SELECT true AS held FROM dataset_file df WHERE df.dataset = d.id AND df.file = o.file OFFSET 0) m ON true
                WHERE o.file IS NOT NULL AND m.held IS NULL
                UNION ALL
                SELECT format('%s holds %s, which was not accepted for it', d.name, f.lfn)
                FROM dataset d JOIN dataset_file df ON df.dataset = d.id
                CROSS JOIN LATERAL (SELECT f.lfn FROM file f WHERE f.id = df.file OFFSET 0) f
                LEFT JOIN LATERAL (
                    SELECT true AS accepted FROM (SELECT * FROM output o WHERE o.file = df.file OFFSET 0) o CROSS JOIN LATERAL (
                        SELECT 1 FROM accepted a WHERE a.task = o.task AND a.index = o.index AND a.attempt = o.attempt AND a.stream = o.stream
                        OFFSET 0) a
                    WHERE o.task = d.task AND o.stream = d.stream OFFSET 0) x ON true
                WHERE d.task IS NOT NULL AND \(fragment: Self.isAtHand("d.task")) AND x.accepted IS NULL
                UNION ALL
                SELECT format('%s counts %s, true is %s (files, bytes, events)', d.name, c, t)
                FROM dataset d CROSS JOIN LATERAL (
                    SELECT coalesce(sum(files), 0)::bigint, coalesce(sum(bytes), 0)::bigint, coalesce(sum(events), 0)::bigint
                    FROM dataset_counter c WHERE c.dataset = d.id
                ) c CROSS JOIN LATERAL (
                    SELECT count(*), coalesce(sum(f.bytes), 0)::bigint, coalesce(sum(f.events), 0)::bigint
                    FROM dataset_file df JOIN file f ON f.id = df.file WHERE df.dataset = d.id
                ) t
                WHERE c IS DISTINCT FROM t
                """
            ),
            Invariant(
                "closed-datasets-are-there",
                "every file of a closed dataset has a good replica or is declared lost",
                """
                SELECT format('%s of %s has no good replica', f.lfn, d.name) AS example
                FROM dataset d JOIN dataset_file df ON df.dataset = d.id JOIN file f ON f.id = df.file
                WHERE d.state = 'closed' AND NOT f.lost
                  AND NOT EXISTS (SELECT 1 FROM replica r WHERE r.file = f.id AND r.state = 'available')
                """
            ),
            Invariant(
                "files-go-home",
                "a file of an open dataset is at the dataset's home, or a transfer to it waits, runs, or can be retried, within a minute",
                """
                SELECT format('%s is not at %s, the home of %s, and nothing moves it there', f.lfn, d.home, d.name)
                       || coalesce((SELECT format(': transfer %s was cancelled by %s', t.id, coalesce(t.who, 'a service')) FROM transfer t
                                    WHERE t.file = f.id AND t.destination = d.home AND t.state = 'cancelled' ORDER BY t.id DESC LIMIT 1), '')
                       AS example
                FROM dataset d JOIN dataset_file df ON df.dataset = d.id JOIN file f ON f.id = df.file
                WHERE d.state = 'open' AND NOT f.lost AND f.created < now() - interval '1 minute'
                  AND NOT EXISTS (SELECT 1 FROM replica r WHERE r.file = f.id AND r.storage = d.home AND r.state = 'available')
                  AND NOT EXISTS (SELECT 1 FROM transfer t WHERE t.file = f.id AND t.destination = d.home
                                    AND (t.state IN ('queued', 'active', 'failed')
                                         -- It was there, and no good replica is left: recovery makes it again.
                                         OR t.state = 'done' AND NOT EXISTS (
                                            SELECT 1 FROM replica r WHERE r.file = f.id AND r.state = 'available')))
                """
            ),
            Invariant(
                "registered-files-are-not-garbage",
                "no file of the catalogue is on the list of files to delete, but for those that were withdrawn from the books",
                """
                SELECT format('%s is to be deleted from %s: %s', g.lfn, g.storage, g.reason) AS example
                FROM garbage g JOIN file f ON f.lfn = g.lfn AND NOT f.lost
                UNION ALL
                SELECT format('%s is to be deleted from %s, where %s said it was before: %s', g.lfn, g.storage, r.who, g.reason)
                FROM garbage g JOIN registration r ON r.lfn = g.lfn AND r.storage = g.storage
                """
            ),
            Invariant(
                "registrations-are-what-was-said",
                "what an operator registered and was verified is in the books as it was said, with a replica where it was",
                """
                SELECT format('%s at %s was registered with %s bytes, %s events and checksum %s, and is in the books with %s, %s and %s', r.lfn,
                              r.storage, r.bytes, r.events, coalesce(r.adler32, r.crc32c, '-'), f.bytes, f.events, f.adler32) AS example
                FROM registration r JOIN file f ON f.id = r.file
                WHERE (f.lfn, f.bytes, f.events, f.adler32, f.crc32c)
                   IS DISTINCT FROM (r.lfn, r.bytes, r.events, coalesce(r.adler32, f.adler32), coalesce(r.crc32c, f.crc32c))
                UNION ALL
                SELECT format('%s was verified at %s and has no replica there', r.lfn, r.storage)
                FROM registration r WHERE r.state = 'done'
                  AND NOT EXISTS (SELECT 1 FROM replica p WHERE p.file = r.file AND p.storage = r.storage)
                """
            ),
        ]
    }

    /// The audit trail.
    static var log: [Invariant] {
        [
            Invariant(
                "the-log-is-legal",
                "every transition in the log is a legal move",
                """
                SELECT format('transition %s of %s: from %s to %s', t.id, t.entity, coalesce(t.from_state, 'nothing'), t.to_state) AS example
                FROM transition t WHERE NOT EXISTS (
                    SELECT 1 FROM legal_transition l
                    WHERE l.kind = t.kind AND l.from_state IS NOT DISTINCT FROM t.from_state AND l.to_state = t.to_state)
                """
            ),
            Invariant(
                "the-log-is-whole",
                "the moves of an entity follow one from another, each with a version of its own",
                """
                SELECT format('transition %s of %s (version %s) moves from %s after %s (version %s)', id, entity, version,
                              coalesce(from_state, 'nothing'), coalesce(before, 'nothing'), coalesce(last_version, 0)) AS example
                FROM (
                    SELECT id, kind, entity, version, from_state, lag(to_state) OVER moves AS before, lag(version) OVER moves AS last_version
                    FROM transition WINDOW moves AS (PARTITION BY entity ORDER BY version, id)
                ) t
                WHERE last_version = version
                   OR from_state IS DISTINCT FROM coalesce(before, CASE WHEN kind = 'job' AND from_state = 'waiting' THEN 'waiting' END)
                """
            ),
            // Grouped, not joined: planned right after much was written, a join of the two sides compared every state with every move.
            Invariant(
                "the-log-knows-every-state",
                "the last move of everything in the log leads to the state it is in",
                """
                SELECT format('%s is %s, the log says %s', entity, coalesce(state, 'nothing'), coalesce(logged, 'nothing')) AS example
                FROM (
                    SELECT entity, bool_or(is_there) AS is_there, max(logged) AS logged,
                           coalesce(max(state) FILTER (WHERE is_there), max(state)) AS state
                    FROM (
                        SELECT 'request:' || id AS entity, state, true AS is_there, NULL AS logged FROM request
                        UNION ALL SELECT 'task:' || id, state, true, NULL FROM task
                        UNION ALL SELECT 'job:' || task || '.' || index, state, true, NULL FROM job
                        UNION ALL SELECT 'attempt:' || task || '.' || index || '.' || attempt, state, true, NULL FROM attempt
                        UNION ALL SELECT 'attempt:' || task || '.' || index || '.' || attempt, state, false, NULL FROM lease
                        UNION ALL SELECT 'dataset:' || name, state, true, NULL FROM dataset
                        UNION ALL SELECT 'transfer:' || id, state, true, NULL FROM transfer
                        UNION ALL SELECT 'registration:' || id, state, true, NULL FROM registration
                        UNION ALL SELECT 'site:' || name, access, true, NULL FROM site
                        UNION ALL (SELECT DISTINCT ON (entity) entity, NULL, false, to_state FROM transition ORDER BY entity, version DESC, id DESC)
                    ) e GROUP BY entity
                ) s
                WHERE is_there AND state IS DISTINCT FROM logged
                """
            ),
        ]
    }
}
