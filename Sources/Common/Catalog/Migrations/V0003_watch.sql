-- The catalogue, part 3: what watches over the rest. Every change of state is logged and checked here, once, set-wise.

-- Which of the 16 counter rows this session adds to: two busy sessions seldom meet.
CREATE FUNCTION counter_slot() RETURNS int LANGUAGE sql STABLE AS $$ SELECT pg_backend_pid() % 16 $$;

CREATE FUNCTION me() RETURNS text LANGUAGE sql STABLE AS $$ SELECT coalesce(nullif(current_setting('application_name'), ''), current_user::text) $$;

-- ---------------------------------------------------------------- the log refuses an illegal move
CREATE FUNCTION refuse_illegal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad record;
BEGIN
    -- The different moves of a batch are few: joined row by row, this was a tenth of what accepting costs.
    SELECT m.* INTO bad FROM (SELECT kind, from_state, to_state, min(entity) AS entity FROM n GROUP BY kind, from_state, to_state) m
    WHERE NOT EXISTS (
        SELECT 1 FROM legal_transition l
        WHERE l.kind = m.kind AND l.from_state IS NOT DISTINCT FROM m.from_state AND l.to_state = m.to_state)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'illegal transition of %: from % to %', bad.entity, coalesce(bad.from_state, 'nothing'), bad.to_state
            USING ERRCODE = 'MR001';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER legal AFTER INSERT ON transition REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_illegal();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the % is append-only', TG_TABLE_NAME USING ERRCODE = 'MR002';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON transition FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ---------------------------------------------------------------- request
CREATE FUNCTION log_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
        SELECT 'request', 'request:' || id, version, state, cause, coalesce(who, me()), 'request.' || id || '.' || state,
               jsonb_build_object('request', id)
        FROM n;
    ELSE
        INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
        SELECT 'request', 'request:' || n.id, n.version, o.state, n.state, n.cause, coalesce(n.who, me()),
               'request.' || n.id || '.' || n.state, jsonb_build_object('request', n.id)
        FROM n JOIN o ON o.id = n.id WHERE n.state <> o.state;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON request REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_request();
CREATE TRIGGER log_move AFTER UPDATE ON request REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION log_request();

-- ---------------------------------------------------------------- task
CREATE FUNCTION log_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
        SELECT 'task', 'task:' || id, version, state, cause, coalesce(who, me()), 'task.' || id || '.' || state,
               jsonb_build_object('task', id, 'request', request, 'name', name)
        FROM n ORDER BY id;
    ELSE
        INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
        SELECT 'task', 'task:' || n.id, n.version, o.state, n.state, n.cause, coalesce(n.who, me()),
               'task.' || n.id || '.' || n.state, jsonb_build_object('task', n.id, 'request', n.request, 'name', n.name)
        FROM n JOIN o ON o.id = n.id WHERE n.state <> o.state ORDER BY n.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON task REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_task();
CREATE TRIGGER log_move AFTER UPDATE ON task REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION log_task();

-- ---------------------------------------------------------------- job: log and counters
-- A job leased straight out of a range gets its row in state active: it waited in the range.
-- Old and new rows of a statement are matched by hash. The planner takes a batch for one row and would compare each with each:
-- 1,000 jobs accepted together took 1.8 s, 2,000 took 4.7 s (two cores, 10,000 jobs, `millrace bench lifecycle`).
CREATE FUNCTION log_job() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who)
        SELECT 'job', 'job:' || task || '.' || index, version, CASE state WHEN 'waiting' THEN NULL ELSE 'waiting' END,
               state, cause, coalesce(who, me())
        FROM n;
        INSERT INTO task_counter AS c (task, slot, active)
        SELECT task, counter_slot(), count(*) FROM n WHERE state = 'active' GROUP BY task ORDER BY task
        ON CONFLICT (task, slot) DO UPDATE SET active = c.active + excluded.active;
    ELSE
        INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who)
        SELECT 'job', 'job:' || n.task || '.' || n.index, n.version, o.state, n.state, n.cause, coalesce(n.who, me())
        FROM n JOIN o ON o.task = n.task AND o.index = n.index WHERE n.state <> o.state;
        INSERT INTO task_counter AS c (task, slot, active, done, aborted, cancelled, recovering, lost)
        SELECT x.task, counter_slot(),
               sum(x.one * (x.state = 'active')::int), sum(x.one * (x.state = 'done')::int), sum(x.one * (x.state = 'aborted')::int),
               sum(x.one * (x.state IN ('cancelled', 'replaced'))::int), sum(x.one * (x.state = 'recovering')::int),
               sum(x.one * CASE WHEN x.state = 'aborted' THEN x.events_expected ELSE 0 END)
        FROM (SELECT task, state, events_expected, 1 AS one FROM n UNION ALL SELECT task, state, events_expected, -1 FROM o) x
        GROUP BY x.task ORDER BY x.task
        ON CONFLICT (task, slot) DO UPDATE SET active = c.active + excluded.active, done = c.done + excluded.done,
            aborted = c.aborted + excluded.aborted, cancelled = c.cancelled + excluded.cancelled,
            recovering = c.recovering + excluded.recovering, lost = c.lost + excluded.lost;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON job REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_job();
CREATE TRIGGER log_move AFTER UPDATE ON job REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION log_job();

-- ---------------------------------------------------------------- attempt: its live states are in lease, its end in attempt
CREATE FUNCTION log_lease() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
        SELECT 'attempt', 'attempt:' || task || '.' || index || '.' || attempt, version, state, 'lease', me(),
               'attempt.' || site || '.' || state,
               jsonb_build_object('task', task, 'index', index, 'attempt', attempt, 'site', site)
        FROM n;
    ELSE
        INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
        SELECT 'attempt', 'attempt:' || n.task || '.' || n.index || '.' || n.attempt, n.version, o.state, n.state, 'report', me(),
               'attempt.' || n.site || '.' || n.state,
               jsonb_build_object('task', n.task, 'index', n.index, 'attempt', n.attempt, 'site', n.site)
        FROM n JOIN o ON o.task = n.task AND o.index = n.index WHERE n.state <> o.state;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON lease REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_lease();
CREATE TRIGGER log_move AFTER UPDATE ON lease REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION log_lease();

-- What is leased to whom, in sums.
CREATE FUNCTION tally_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO held_tally AS h (holder, slot, count, hash)
    SELECT x.holder, counter_slot(), x.sign * count(*), x.sign * sum(((x.task * 1000003 + x.index) * 31 + x.attempt) % 4294967291)
    FROM (SELECT n.*, CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END AS sign FROM n) x GROUP BY x.holder, x.sign ORDER BY x.holder
    ON CONFLICT (holder, slot) DO UPDATE SET count = h.count + excluded.count, hash = h.hash + excluded.hash;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_new AFTER INSERT ON lease REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION tally_held();
CREATE TRIGGER tally_gone AFTER DELETE ON lease REFERENCING OLD TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION tally_held();

-- A finished report is taken in one transaction: finished and its outcome are both logged.
CREATE FUNCTION log_attempt() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    WITH ended AS (
        SELECT n.*, n.finished_at IS NOT NULL AND n.left_from <> 'finished' AS passed_finished
        FROM n JOIN o ON o.task = n.task AND o.index = n.index AND o.attempt = n.attempt
        WHERE o.state IS NULL AND n.state IS NOT NULL
    ), moves AS (
        SELECT task, index, attempt, site, node, code, blame, diagnostic, cause, version - 1 AS version, left_from AS from_state,
               'finished' AS to_state
        FROM ended WHERE passed_finished
        UNION ALL
        SELECT task, index, attempt, site, node, code, blame, diagnostic, cause, version,
               CASE WHEN passed_finished THEN 'finished' ELSE left_from END, state
        FROM ended
    )
    INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
    SELECT 'attempt', 'attempt:' || task || '.' || index || '.' || attempt, version, from_state, to_state, cause, me(),
           'attempt.' || site || '.' || to_state,
           jsonb_strip_nulls(jsonb_build_object('task', task, 'index', index, 'attempt', attempt, 'site', site, 'node', node,
               'code', CASE WHEN to_state <> 'finished' THEN code END,
               'blame', CASE WHEN to_state <> 'finished' THEN blame END,
               'diagnostic', CASE WHEN to_state <> 'finished' THEN left(diagnostic, 400) END))
    FROM moves ORDER BY task, index, version;

    INSERT INTO place_tally AS p (minute, site, node, task, slot, good, failed, good_wall, failed_wall)
    SELECT date_trunc('minute', clock_timestamp()), n.site, coalesce(n.node, ''), n.task, counter_slot(),
           count(*) FILTER (WHERE n.state = 'done'), count(*) FILTER (WHERE n.state = 'failed'),
           coalesce(sum(n.wall_seconds) FILTER (WHERE n.state = 'done'), 0),
           coalesce(sum(n.wall_seconds) FILTER (WHERE n.state = 'failed'), 0)
    FROM n JOIN o ON o.task = n.task AND o.index = n.index AND o.attempt = n.attempt
    WHERE o.state IS NULL AND (n.state = 'done' OR n.state = 'failed' AND n.blame NOT IN ('operator', 'definition', 'data'))
    GROUP BY n.site, n.node, n.task ORDER BY n.site, n.node, n.task
    ON CONFLICT (minute, site, node, task, slot) DO UPDATE SET good = p.good + excluded.good, failed = p.failed + excluded.failed,
        good_wall = p.good_wall + excluded.good_wall, failed_wall = p.failed_wall + excluded.failed_wall;
    RETURN NULL;
END $$;
CREATE TRIGGER log_end AFTER UPDATE ON attempt REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION log_attempt();

-- ---------------------------------------------------------------- books
CREATE FUNCTION count_accepted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO task_counter AS c (task, slot, events)
    SELECT n.task, counter_slot(), sum(n.events) * CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END
    FROM n JOIN task_stream s ON s.task = n.task AND s.stream = n.stream AND s.main
    GROUP BY n.task ORDER BY n.task
    ON CONFLICT (task, slot) DO UPDATE SET events = c.events + excluded.events;
    RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON accepted REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION count_accepted();
CREATE TRIGGER count_gone AFTER DELETE ON accepted REFERENCING OLD TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION count_accepted();

CREATE FUNCTION log_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transition (kind, entity, version, to_state, who, route, detail)
    SELECT 'file', 'file:' || lfn, 1, 'registered', me(), 'file.registered',
           jsonb_build_object('lfn', lfn, 'bytes', bytes, 'events', events, 'task', task, 'index', index, 'attempt', attempt)
    FROM n;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON file REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_file();

-- A file has neither cause nor who of its own: whoever takes it out of the books says both before.
CREATE FUNCTION log_loss() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
    SELECT 'file', 'file:' || n.lfn, 2, 'registered', 'lost',
           coalesce(nullif(current_setting('millrace.cause', true), ''), 'declared lost'),
           coalesce(nullif(current_setting('millrace.who', true), ''), me()), 'file.lost',
           jsonb_build_object('lfn', n.lfn, 'bytes', n.bytes, 'events', n.events, 'task', n.task, 'index', n.index, 'attempt', n.attempt)
    FROM n JOIN o ON o.id = n.id WHERE n.lost AND NOT o.lost ORDER BY n.id;
    RETURN NULL;
END $$;
CREATE TRIGGER log_lost AFTER UPDATE ON file REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_loss();

-- A closed dataset never changes: not its state (the table of legal moves), not its members.
CREATE FUNCTION guard_dataset_file() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE closed_name text;
BEGIN
    -- FOR SHARE: a dataset cannot be closed while an insert into it is under way.
    PERFORM 1 FROM dataset WHERE id IN (SELECT dataset FROM n) ORDER BY id FOR SHARE;
    SELECT name INTO closed_name FROM dataset WHERE id IN (SELECT dataset FROM n) AND state = 'closed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'dataset % is closed: its files cannot change', closed_name USING ERRCODE = 'MR003';
    END IF;
    -- After the lock: who begins to read the dataset holds it against this, and either sees these files or is seen here.
    IF TG_OP = 'INSERT' THEN
        INSERT INTO pending_input (task, file, dataset)
        SELECT f.task, n.file, n.dataset FROM n JOIN input_feed f ON f.dataset = n.dataset ORDER BY f.task, n.file ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM pending_input p USING n WHERE p.file = n.file AND p.dataset = n.dataset;
    END IF;
    INSERT INTO dataset_counter AS c (dataset, slot, files, bytes, events)
    SELECT n.dataset, counter_slot(), count(*) * sign, sum(f.bytes) * sign, sum(f.events) * sign
    FROM n CROSS JOIN LATERAL (SELECT bytes, events FROM file WHERE id = n.file OFFSET 0) f,   -- by key, whatever the planner thinks
         (SELECT CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END AS sign) s
    GROUP BY n.dataset, sign ORDER BY n.dataset
    ON CONFLICT (dataset, slot) DO UPDATE SET files = c.files + excluded.files, bytes = c.bytes + excluded.bytes,
        events = c.events + excluded.events;
    RETURN NULL;
END $$;
CREATE TRIGGER guard_new AFTER INSERT ON dataset_file REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_dataset_file();
CREATE TRIGGER guard_gone AFTER DELETE ON dataset_file REFERENCING OLD TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_dataset_file();
CREATE TRIGGER guard_change BEFORE UPDATE ON dataset_file FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION log_dataset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
        SELECT 'dataset', 'dataset:' || name, version, state, cause, coalesce(who, me()), 'dataset.' || state,
               jsonb_build_object('dataset', name)
        FROM n;
    ELSE
        INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
        SELECT 'dataset', 'dataset:' || n.name, n.version, o.state, n.state, n.cause, coalesce(n.who, me()),
               'dataset.' || n.state, jsonb_build_object('dataset', n.name)
        FROM n JOIN o ON o.id = n.id WHERE n.state <> o.state;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON dataset REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_dataset();
CREATE TRIGGER log_move AFTER UPDATE ON dataset REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION log_dataset();

-- ---------------------------------------------------------------- transfer, site, verdict
CREATE FUNCTION log_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
        SELECT 'transfer', 'transfer:' || n.id, n.version, n.state, n.reason, coalesce(n.who, me()),
               'transfer.' || n.destination || '.' || n.state,
               jsonb_build_object('transfer', n.id, 'lfn', f.lfn, 'source', n.source, 'destination', n.destination)
        FROM n CROSS JOIN LATERAL (SELECT lfn FROM file WHERE id = n.file OFFSET 0) f;
    ELSE
        INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
        SELECT 'transfer', 'transfer:' || n.id, n.version, o.state, n.state, n.reason, coalesce(n.who, me()),
               'transfer.' || n.destination || '.' || n.state,
               jsonb_build_object('transfer', n.id, 'lfn', f.lfn, 'source', n.source, 'destination', n.destination, 'tries', n.tries)
        FROM n JOIN o ON o.id = n.id CROSS JOIN LATERAL (SELECT lfn FROM file WHERE id = n.file OFFSET 0) f WHERE n.state <> o.state;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON transfer REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_transfer();
CREATE TRIGGER log_move AFTER UPDATE ON transfer REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION log_transfer();

CREATE FUNCTION log_site() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
        SELECT 'site', 'site:' || name, version, access, reason, coalesce(who, me()), 'site.' || name || '.' || access,
               jsonb_build_object('site', name)
        FROM n;
    ELSE
        INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
        SELECT 'site', 'site:' || n.name, n.version, o.access, n.access, n.reason, coalesce(n.who, me()),
               'site.' || n.name || '.' || n.access, jsonb_build_object('site', n.name)
        FROM n JOIN o ON o.name = n.name WHERE n.access <> o.access;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON site REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_site();
CREATE TRIGGER log_move AFTER UPDATE ON site REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION log_site();

CREATE FUNCTION log_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
    SELECT 'verdict', 'verdict:' || task || '.' || index || '.' || attempt, 1, action, rule, me(),
           'verdict.' || action || '.' || site,
           jsonb_build_object('task', task, 'index', index, 'attempt', attempt, 'site', site, 'node', node, 'action', action,
               'class', class, 'blame', blame, 'code', code, 'diagnostic', left(diagnostic, 400), 'rule', rule, 'counted', counted,
               'notBefore', not_before, 'changes', changes, 'at', at)
    FROM n;

    INSERT INTO failure_tally AS t (task, fingerprint, failures, jobs, lost_seconds)
    SELECT n.task, n.fingerprint, count(*), count(*) FILTER (WHERE NOT e.before), coalesce(sum(e.wall), 0)
    FROM n CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT 1 FROM verdict v WHERE v.task = n.task AND v.index = n.index AND v.attempt < n.attempt
                                                 AND v.fingerprint = n.fingerprint) AS before,
               (SELECT a.wall_seconds FROM attempt a WHERE a.task = n.task AND a.index = n.index AND a.attempt = n.attempt) AS wall OFFSET 0
    ) e WHERE n.counted GROUP BY n.task, n.fingerprint ORDER BY n.task, n.fingerprint
    ON CONFLICT (task, fingerprint) DO UPDATE SET failures = t.failures + excluded.failures, jobs = t.jobs + excluded.jobs,
        lost_seconds = t.lost_seconds + excluded.lost_seconds;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON verdict REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_verdict();

-- ---------------------------------------------------------------- excluded nodes and sites
-- The row goes when the place is open again, and may come back: the version is a clock and not a counter.
CREATE FUNCTION log_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.phase = OLD.phase THEN RETURN NULL; END IF;
    INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
    SELECT 'place', 'place:' || p.site || '/' || p.node, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
           CASE WHEN TG_OP <> 'INSERT' THEN OLD.phase END, p.phase, p.reason, me(), 'place.' || p.site || '.' || p.phase,
           jsonb_build_object('site', p.site, 'node', nullif(p.node, ''), 'round', p.round)
    FROM (SELECT coalesce(NEW.site, OLD.site) AS site, coalesce(NEW.node, OLD.node) AS node, coalesce(NEW.phase, 'returned') AS phase,
                 coalesce(NEW.reason, OLD.reason) AS reason, coalesce(NEW.round, OLD.round) AS round) p;
    RETURN NULL;
END $$;
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON excluded_place FOR EACH ROW EXECUTE FUNCTION log_place();

-- ---------------------------------------------------------------- rules
CREATE FUNCTION log_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rule_change (rule, change, row, who)
    VALUES (coalesce(NEW.name, OLD.name), CASE TG_OP WHEN 'INSERT' THEN 'added' WHEN 'UPDATE' THEN 'changed' ELSE 'removed' END,
            to_jsonb(coalesce(NEW, OLD)),
            -- Who removes a rule says so before: there is no row left to say it.
            coalesce(CASE TG_OP WHEN 'DELETE' THEN nullif(current_setting('millrace.who', true), '') ELSE NEW.who END, me()));
    RETURN NULL;
END $$;
CREATE TRIGGER log_change AFTER INSERT OR UPDATE OR DELETE ON failure_rule FOR EACH ROW EXECUTE FUNCTION log_rule();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON rule_change FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ---------------------------------------------------------------- the legal moves
INSERT INTO legal_transition (kind, from_state, to_state) VALUES
    ('request', NULL, 'new'), ('request', 'new', 'approved'), ('request', 'new', 'rejected'), ('request', 'new', 'cancelled'),
    ('request', 'approved', 'running'), ('request', 'approved', 'held'), ('request', 'approved', 'cancelled'),
    ('request', 'approved', 'failed'), ('request', 'approved', 'finished'),
    ('request', 'running', 'finished'), ('request', 'running', 'failed'), ('request', 'running', 'cancelled'),
    ('request', 'running', 'held'), ('request', 'held', 'approved'), ('request', 'held', 'running'), ('request', 'held', 'cancelled'),
    ('task', NULL, 'waiting'), ('task', 'waiting', 'scouting'), ('task', 'waiting', 'running'), ('task', 'waiting', 'aborted'),
    ('task', 'waiting', 'failed'), ('task', 'waiting', 'done'),
    ('task', 'scouting', 'running'), ('task', 'scouting', 'finishing'), ('task', 'scouting', 'paused'), ('task', 'scouting', 'aborted'),
    ('task', 'running', 'finishing'), ('task', 'running', 'paused'), ('task', 'running', 'aborted'),
    ('task', 'finishing', 'done'), ('task', 'finishing', 'failed'), ('task', 'finishing', 'aborted'), ('task', 'finishing', 'running'),
    ('task', 'paused', 'scouting'), ('task', 'paused', 'running'), ('task', 'paused', 'aborted'),
    ('job', NULL, 'waiting'), ('job', 'waiting', 'active'), ('job', 'waiting', 'cancelled'), ('job', 'waiting', 'aborted'),
    ('job', 'active', 'done'), ('job', 'active', 'recovering'), ('job', 'active', 'waiting'), ('job', 'active', 'cancelled'),
    ('job', 'recovering', 'waiting'), ('job', 'recovering', 'aborted'), ('job', 'recovering', 'replaced'),
    ('job', 'recovering', 'cancelled'), ('job', 'recovering', 'done'), ('job', 'done', 'waiting'), ('job', 'aborted', 'waiting'),
    ('attempt', NULL, 'leased'), ('attempt', 'leased', 'running'), ('attempt', 'leased', 'finished'), ('attempt', 'leased', 'failed'),
    ('attempt', 'leased', 'lost'), ('attempt', 'leased', 'cancelled'),
    ('attempt', 'running', 'finished'), ('attempt', 'running', 'failed'), ('attempt', 'running', 'lost'),
    ('attempt', 'running', 'cancelled'),
    ('attempt', 'finished', 'done'), ('attempt', 'finished', 'failed'), ('attempt', 'finished', 'cancelled'),
    ('file', NULL, 'registered'), ('file', 'registered', 'lost'),
    ('dataset', NULL, 'open'), ('dataset', 'open', 'closed'),
    ('transfer', NULL, 'queued'), ('transfer', 'queued', 'active'), ('transfer', 'queued', 'cancelled'), ('transfer', 'queued', 'failed'),
    ('transfer', 'active', 'done'), ('transfer', 'active', 'queued'), ('transfer', 'active', 'failed'),
    ('transfer', 'active', 'cancelled'), ('transfer', 'failed', 'queued'),
    ('site', NULL, 'allowed'), ('site', 'allowed', 'draining'), ('site', 'allowed', 'banned'), ('site', 'draining', 'banned'),
    ('site', 'draining', 'allowed'), ('site', 'banned', 'allowed'), ('site', 'banned', 'draining'),
    ('place', NULL, 'resting'), ('place', 'resting', 'probing'), ('place', 'probing', 'resting'), ('place', 'probing', 'returned'),
    ('place', 'resting', 'returned'),
    ('verdict', NULL, 'resubmit'), ('verdict', NULL, 'abort'), ('verdict', NULL, 'pause');
