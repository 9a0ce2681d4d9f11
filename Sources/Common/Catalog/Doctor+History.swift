import Postgres

extension Doctor {
    /// That the rows of a task are where they were made: neither archived nor on their way there or back.
    ///
    /// - Parameter task: the column with its number.
    static func isAtHand(_ task: StaticString) -> SQL {
        "NOT EXISTS (SELECT 1 FROM archived_task w WHERE w.task = \(unsafe: task))"
    }

    /// The class of a row of production, or 0 where those of its task cannot be compared.
    private static let comparedClass: SQL =
        "CASE WHEN p.task IN (SELECT u.task FROM unsaid u) THEN 0 ELSE p.class END AS class"

    /// What outlives the jobs: production, what was given up, the archive.
    static var history: [Invariant] {
        [
            Invariant(
                "production-is-counted",
                "production day by day is what the attempts, winners and accepted events of the tasks at hand add up to",
                // By class where all attempts of a task say in which they were leased: for which one others counted, nobody knows.
                """
                WITH unsaid AS MATERIALIZED (SELECT DISTINCT a.task FROM attempt a WHERE a.state IS NOT NULL AND a.leased_class IS NULL)
                SELECT format('task %s at %s on %s (%s)%s: counted %s, true is %s (jobs done and aborted, events, attempts, failed, cancelled, core ms, lost core ms)',
                              task, site, day, blame, ' in class ' || nullif(class, 0), c, t) AS example
                FROM (
                    SELECT day, task, site, blame, \(fragment: Self.comparedClass), ROW(sum(jobs_done), sum(jobs_aborted), sum(events),
                           sum(attempts), sum(failed), sum(cancelled), sum(core_ms), sum(lost_core_ms)) AS c
                    FROM production p WHERE \(fragment: Self.isAtHand("p.task")) GROUP BY 1, 2, 3, 4, 5
                ) p FULL JOIN (
                    SELECT day, task, site, blame, \(fragment: Self.comparedClass), ROW(sum(jobs_done), sum(jobs_aborted), sum(events),
                           sum(attempts), sum(failed), sum(cancelled), sum(core_ms), sum(lost_core_ms)) AS t
                    FROM production_counted p WHERE \(fragment: Self.isAtHand("p.task")) GROUP BY 1, 2, 3, 4, 5
                ) x USING (day, task, site, blame, class)
                WHERE coalesce(c, ROW(0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric))
                   <> coalesce(t, ROW(0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric))
                """
            ),
            Invariant(
                "what-is-given-up-is-listed",
                "the list of what was given up holds exactly the jobs that are, with their events",
                """
                SELECT format('job %s.%s is given up with %s events, the list says %s', j.task, j.index, j.events_expected, coalesce(g.events::text, 'nothing'))
                    AS example
                FROM job j LEFT JOIN given_up g ON g.task = j.task AND g.index = j.index
                WHERE j.state = 'aborted' AND g.events IS DISTINCT FROM j.events_expected
                UNION ALL
                SELECT format('job %s.%s is listed as given up and is %s', g.task, g.index, coalesce(j.state, 'missing'))
                FROM given_up g LEFT JOIN job j ON j.task = g.task AND j.index = g.index
                WHERE j.state IS DISTINCT FROM 'aborted' AND \(fragment: Self.isAtHand("g.task"))
                """
            ),
            Invariant(
                "the-tracker-lists-what-is-damaged",
                "the tracker's damaged events are those of the jobs that are listed",
                """
                SELECT format('sample %s, simulation %s of %s: %s damaged, %s listed', v.gen_id, v.sim_id, v.username, v.damaged, d.events) AS example
                FROM tracker_view v CROSS JOIN LATERAL (
                    SELECT coalesce(sum(d.events), 0)::bigint AS events FROM damaged_view d
                    WHERE d.gen_id = v.gen_id AND d.sim_id = v.sim_id AND d.username = v.username
                ) d
                WHERE v.damaged <> d.events
                """
            ),
            Invariant(
                "the-archive-is-whole",
                "an archived task has all its jobs in the archive and none outside, and counts what it counted then",
                """
                SELECT format('task %s is %s: it has %s jobs outside the archive and %s in it, and had %s', a.task, a.state, o.jobs, i.jobs, a.jobs)
                    AS example
                FROM archived_task a
                CROSS JOIN LATERAL (SELECT count(*) AS jobs FROM job j WHERE j.task = a.task) o
                CROSS JOIN LATERAL (
                    SELECT coalesce(sum(r.count), 0)::bigint AS jobs FROM archived_rows r WHERE r.task = a.task AND r.relation = 'job') i
                WHERE o.jobs + i.jobs <> a.jobs OR a.state = 'archived' AND o.jobs > 0
                UNION ALL
                SELECT format('task %s had %s jobs done, %s given up and %s events when it was archived; it counts %s, %s and %s', a.task, a.done,
                              a.aborted, a.events, c.done, c.aborted, c.events)
                FROM archived_task a CROSS JOIN LATERAL (
                    SELECT coalesce(sum(c.done), 0)::bigint AS done, coalesce(sum(c.aborted), 0)::bigint AS aborted,
                           coalesce(sum(c.events), 0)::bigint AS events FROM task_counter c WHERE c.task = a.task) c
                WHERE (a.done, a.aborted, a.events) <> (c.done, c.aborted, c.events)
                """
            ),
        ]
    }

    /// What was deleted on purpose.
    static var cleanups: [Invariant] {
        [
            Invariant(
                "what-is-cleaned-up-is-gone",
                "a clean-up is of a cancelled request, what it took out is out of the books and deleted or to be deleted, and it counts that",
                """
                SELECT format('request %s is %s and is cleaned up', c.request, r.state) AS example
                FROM cleanup c JOIN request r ON r.id = c.request WHERE r.state <> 'cancelled'
                UNION ALL
                SELECT format('%s, deleted by the clean-up of request %s, is not lost', f.lfn, x.request)
                FROM deleted_file x JOIN file f ON f.id = x.file WHERE NOT f.lost
                UNION ALL
                SELECT format('%s, deleted by the clean-up of request %s, is %s at %s and nobody deletes it', f.lfn, x.request, r.state, r.storage)
                FROM deleted_file x JOIN replica r ON r.file = x.file JOIN file f ON f.id = x.file
                WHERE NOT EXISTS (SELECT 1 FROM garbage g WHERE g.lfn = f.lfn AND g.storage = r.storage)
                UNION ALL
                SELECT format('the clean-up of request %s is done, %s of its datasets are open and %s replicas are to be deleted', v.request,
                              v.datasets_open, v.replicas_left)
                FROM cleanup_view v WHERE v.state = 'done' AND (v.datasets_open > 0 OR v.replicas_left > 0)
                UNION ALL
                SELECT format('the clean-up of request %s counts %s files, %s were deleted', v.request, v.files_removed, x.files)
                FROM cleanup_view v CROSS JOIN LATERAL (SELECT count(*) AS files FROM deleted_file x WHERE x.request = v.request) x
                WHERE v.files_removed <> x.files
                UNION ALL
                SELECT format('%s is emptied: it is %s and holds %s', d.name, d.state, f.lfn)
                FROM cleanup_part p JOIN dataset d ON d.id = p.dataset LEFT JOIN LATERAL (
                    SELECT f.lfn FROM dataset_file m JOIN file f ON f.id = m.file WHERE m.dataset = d.id AND NOT f.lost LIMIT 1) f ON true
                WHERE p.state = 'emptied' AND (d.state <> 'closed' OR f.lfn IS NOT NULL)
                """
            )
        ]
    }
}
