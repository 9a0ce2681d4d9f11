-- The catalogue, part 7: clean-ups. What a cancelled request made is taken out dataset by dataset, and deleted where it is stored.

CREATE TABLE cleanup (
    request    bigint PRIMARY KEY REFERENCES request,
    state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'stopped')),
    closed_too boolean NOT NULL,          -- also what was handed over: files of closed datasets
    forced_by  text,                      -- an administrator: also what is in containers or subscribed; NULL: not that
    reason     text,
    who        text NOT NULL,
    since      timestamptz NOT NULL DEFAULT now(),
    ended      timestamptz,
    stopped_by text,
    CHECK ((state = 'open') = (ended IS NULL)),
    CHECK ((state = 'stopped') = (stopped_by IS NOT NULL))
);
CREATE INDEX cleanup_open ON cleanup (request) WHERE state = 'open';

-- How far it is with each output dataset. `position` is the last file that was looked at, so that the next batch, whoever makes it,
-- goes on there.
CREATE TABLE cleanup_part (
    dataset    bigint PRIMARY KEY REFERENCES dataset,
    request    bigint NOT NULL REFERENCES cleanup,
    state      text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'emptied', 'kept')),
    position   bigint NOT NULL DEFAULT 0,
    kept       bigint NOT NULL DEFAULT 0 CHECK (kept >= 0),         -- files passed by on this way through the dataset
    reader     bigint REFERENCES task,    -- that reads one of these; the next way begins when its request has ended
    files      bigint NOT NULL DEFAULT 0 CHECK (files >= 0),        -- taken out so far
    bytes      bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    waits_for  text,                      -- why nothing is done now; NULL: something is
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    pause_s    double precision NOT NULL DEFAULT 0 CHECK (pause_s >= 0)  -- the last one; twice as long when the same keeps it again
);
CREATE INDEX cleanup_part_due ON cleanup_part (not_before, dataset) WHERE state = 'open';
CREATE INDEX cleanup_part_request ON cleanup_part (request);

-- Files that a clean-up took out: they stay in the catalogue, with all that is known of them.
CREATE TABLE deleted_file (
    file    bigint PRIMARY KEY REFERENCES file,
    request bigint NOT NULL REFERENCES cleanup,
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deleted_file_request ON deleted_file (request);

-- Which clean-up put a file on the list, and why it could not be deleted when that was tried last.
ALTER TABLE garbage ADD COLUMN cleanup bigint REFERENCES cleanup, ADD COLUMN problem text;
CREATE INDEX garbage_cleanup ON garbage (cleanup) WHERE cleanup IS NOT NULL;

-- Who condemned a replica, and why.
ALTER TABLE replica ADD COLUMN who text, ADD COLUMN cause text;
CREATE OR REPLACE VIEW replica_view AS
SELECT f.lfn, r.storage, r.state, r.at, r.who, r.cause AS reason FROM replica r JOIN file f ON f.id = r.file;

-- ---------------------------------------------------------------- what is refused
CREATE FUNCTION guard_cleanup() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT state FROM request WHERE id = NEW.request) <> 'cancelled' THEN
        RAISE EXCEPTION 'request % is not cancelled: it cannot be cleaned up', NEW.request USING ERRCODE = 'MR004';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_new BEFORE INSERT ON cleanup FOR EACH ROW EXECUTE FUNCTION guard_cleanup();

-- Only what the request made, and only what is out of the books.
CREATE FUNCTION guard_deleted_file() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong text;
BEGIN
    SELECT f.lfn INTO wrong FROM n CROSS JOIN LATERAL (SELECT f.lfn, f.lost, f.task FROM file f WHERE f.id = n.file OFFSET 0) f
    LEFT JOIN task t ON t.id = f.task WHERE NOT f.lost OR t.request IS DISTINCT FROM n.request LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'file % cannot be deleted by the clean-up of a request: it was not made by it, or is in the books', wrong
            USING ERRCODE = 'MR004';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER guard_new AFTER INSERT ON deleted_file REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_deleted_file();

-- A dataset that is being cleaned up, or was, gets no new reader and no new place. The lock meets the one of whoever begins a clean-up:
-- either this sees the clean-up, or the clean-up sees this.
CREATE FUNCTION refuse_cleaned(names text[], wanted text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_name text; found_request bigint;
BEGIN
    PERFORM 1 FROM dataset WHERE name = ANY (names) ORDER BY id FOR SHARE;
    SELECT d.name, c.request INTO found_name, found_request
    FROM dataset d JOIN cleanup_part p ON p.dataset = d.id JOIN cleanup c ON c.request = p.request
    WHERE d.name = ANY (names) AND p.state <> 'kept' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'dataset % cannot be %: the clean-up of request % deletes its files', found_name, wanted, found_request
            USING ERRCODE = 'MR004';
    END IF;
END $$;
CREATE FUNCTION guard_cleaned_input() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_cleaned(ARRAY(SELECT dataset FROM n WHERE dataset IS NOT NULL), 'read');
    RETURN NULL;
END $$;
CREATE TRIGGER guard_cleaned AFTER INSERT ON task_input REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_cleaned_input();
CREATE FUNCTION guard_cleaned_dataset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_cleaned(ARRAY(SELECT d.name FROM n JOIN dataset d ON d.id = n.dataset), TG_ARGV[0]);
    RETURN NULL;
END $$;
CREATE TRIGGER guard_cleaned AFTER INSERT ON subscription REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_cleaned_dataset('subscribed');
CREATE TRIGGER guard_cleaned AFTER INSERT ON container_member REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_cleaned_dataset('put into a container');

-- ---------------------------------------------------------------- views
CREATE VIEW cleanup_view AS
SELECT c.request, c.state, p.datasets, p.datasets_open, p.files, p.bytes, p.files_removed, p.bytes_removed,
       g.replicas_left, g.next_deletion, p.waits_for, g.problem, c.closed_too, c.forced_by, c.reason, c.who, c.since, c.ended, c.stopped_by
FROM cleanup c CROSS JOIN LATERAL (
    SELECT count(*) AS datasets, count(*) FILTER (WHERE p.state = 'open') AS datasets_open,
           coalesce(sum(k.files), 0)::bigint AS files, coalesce(sum(k.bytes), 0)::bigint AS bytes,
           coalesce(sum(p.files), 0)::bigint AS files_removed, coalesce(sum(p.bytes), 0)::bigint AS bytes_removed,
           min(d.name || ' ' || p.waits_for) FILTER (WHERE p.state = 'open') AS waits_for
    FROM cleanup_part p JOIN dataset d ON d.id = p.dataset CROSS JOIN LATERAL (
        SELECT sum(k.files) AS files, sum(k.bytes) AS bytes FROM dataset_counter k WHERE k.dataset = p.dataset) k
    WHERE p.request = c.request
) p CROSS JOIN LATERAL (
    SELECT count(*) AS replicas_left, min(g.not_before) AS next_deletion, min(g.problem) AS problem FROM garbage g WHERE g.cleanup = c.request
) g;
