-- What a catalogue says of work that does not end: for the end of a test's output, so a line each and short.
\set QUIET on
\pset tuples_only on
\pset format unaligned
\pset fieldsep ' '
SELECT 'request', id, state, left(cause, 80) FROM request ORDER BY id DESC LIMIT 3;
SELECT 'task', t.id, t.state, 'jobs', t.jobs_total, left(t.cause, 80) FROM task t ORDER BY t.id DESC LIMIT 4;
SELECT 'jobs', task, state, count(*), 'first', min(index) FROM job GROUP BY task, state ORDER BY task DESC, state LIMIT 12;
SELECT 'tried most', task, index, state, attempts, left(cause, 100) FROM job WHERE attempts > 3 ORDER BY attempts DESC, task, index LIMIT 2;
SELECT 'given up', task, index, left(cause, 160) FROM job WHERE state = 'aborted' ORDER BY task, index LIMIT 3;
SELECT 'waiting', CASE WHEN held THEN 'held' WHEN due THEN 'due' ELSE 'later' END, sum(last - first + 1), 'in s', round(max(extract(epoch FROM not_before - now()))),
       'not at', max(array_to_string(excluded, ','))
FROM (SELECT task, first, last, held, due, excluded, nullif(not_before, '-infinity') AS not_before FROM waiting) w GROUP BY 2;
SELECT 'leases', site, state, count(*), 'oldest s', round(extract(epoch FROM now() - min(since))) FROM lease GROUP BY site, state ORDER BY site, state;
SELECT 'agent', site, agent, state, 'room', room, 'question', sequence, 'holds', held_count, 'seen s ago', round(extract(epoch FROM now() - last_seen))
FROM agent_session ORDER BY site, agent LIMIT 8;
SELECT 'excluded', site, node, phase, round FROM excluded_place;
SELECT 'site', name, access FROM site WHERE access <> 'allowed';
SELECT 'open verdicts', count(*), 'oldest s', round(extract(epoch FROM now() - min(at))) FROM verdict WHERE carried_out_at IS NULL HAVING count(*) > 0;
SELECT 'outbox', count(*) FROM outbox HAVING count(*) > 0;
SELECT 'feed', published, 'of', (SELECT last_value FROM transition_id_seq) FROM relay;
SELECT 'last', entity, to_state, 's ago', round(extract(epoch FROM now() - at)) FROM transition ORDER BY id DESC LIMIT 4;
SELECT 'busy', application_name, state, coalesce(wait_event, '-'), 's', round(extract(epoch FROM now() - state_change)), left(regexp_replace(query, '\s+', ' ', 'g'), 70)
FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid() LIMIT 8;
