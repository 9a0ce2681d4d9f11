-- The catalogue, part 17: data that was there before. An operator says which files lie on a storage element, and when Transfer has read them
-- there and found what was said, they are files, with a good replica, in their dataset.
--
-- Until then a file is a row here and nowhere else: no replica without a verified file, no input that cannot be read, and no row of the
-- books to be taken back when what was said is wrong (docs/decisions/0019).

CREATE TABLE registration (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset     bigint NOT NULL REFERENCES dataset,
    storage     text NOT NULL REFERENCES storage_element,
    -- As those of all files, but for the names that jobs give theirs: what a job has just stored is nobody's to register.
    lfn         text COLLATE "C" NOT NULL CHECK (
                    length(lfn) <= 511 AND lfn ~ '^/[A-Za-z0-9_.+/-]+$' AND lfn !~ '(^|/)\.\.?(/|$)' AND lfn !~ '//' AND lfn !~ '/$'),
    bytes       bigint NOT NULL CHECK (bytes > 0),
    adler32     text CHECK (adler32 ~ '^[0-9a-f]{8}$'),
    crc32c      text CHECK (crc32c ~ '^[0-9a-f]{8}$'),
    events      bigint NOT NULL CHECK (events >= 0),
    measured    boolean NOT NULL DEFAULT false,         -- no checksum is known: the one that is read first is taken for it
    state       text NOT NULL DEFAULT 'queued',
    version     bigint NOT NULL DEFAULT 1,
    token       uuid,
    worker      text,
    lease_until timestamptz,
    tries       int NOT NULL DEFAULT 0 CHECK (tries >= 0),
    not_before  timestamptz NOT NULL DEFAULT '-infinity',
    file        bigint REFERENCES file,                 -- what became of it
    reason      text,
    who         text NOT NULL,
    created     timestamptz NOT NULL DEFAULT now(),
    updated     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (lfn, storage),
    CONSTRAINT registration_not_a_jobs_name CHECK (lfn !~ '^/[0-9]+/.*/[0-9]+\.[0-9]+\.[0-9]+\.[^/]*$'),
    CONSTRAINT registration_has_checksum CHECK (measured OR num_nonnulls(adler32, crc32c) > 0),
    CHECK ((state = 'active') = (token IS NOT NULL)),
    CHECK ((state = 'active') = (lease_until IS NOT NULL)),
    CHECK ((state = 'done') = (file IS NOT NULL))
);
CREATE INDEX registration_queue ON registration (storage, not_before, id) WHERE state = 'queued';
CREATE INDEX registration_active ON registration (lease_until) WHERE state = 'active';
CREATE INDEX registration_dataset ON registration (dataset, state, id);
CREATE INDEX registration_state ON registration (state, id);

-- What is said of a file that is not there yet. A field that is used here cannot go.
CREATE TABLE registration_metadata (
    registration  bigint NOT NULL REFERENCES registration,
    field         int NOT NULL,
    type          text NOT NULL,
    integer_value bigint,
    number_value  double precision CHECK (number_value > '-Infinity' AND number_value < 'Infinity'),
    text_value    text COLLATE "C" CHECK (octet_length(text_value) BETWEEN 1 AND 500),
    boolean_value boolean,
    time_value    timestamptz CHECK (isfinite(time_value)),
    PRIMARY KEY (registration, field),
    FOREIGN KEY (field, type) REFERENCES metadata_field (id, type),
    CHECK (is_typed(type, integer_value, number_value, text_value, boolean_value, time_value))
);
CREATE INDEX registration_metadata_field ON registration_metadata (field);

-- Datasets that no task fills and that hold files of another one: its files are needed, whatever becomes of the request that made them.
CREATE TABLE dataset_source (
    dataset bigint NOT NULL REFERENCES dataset,
    source  bigint NOT NULL REFERENCES dataset,
    PRIMARY KEY (dataset, source),
    CHECK (dataset <> source)
);
CREATE INDEX dataset_source_source ON dataset_source (source);
CREATE TRIGGER guard_change BEFORE UPDATE OR DELETE ON dataset_source FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ---------------------------------------------------------------- what is refused
-- A dataset of a task holds what that task made and nothing else; a closed one never changes; and what is to be deleted is not brought in.
CREATE FUNCTION guard_registration() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fresh bigint[];
    wrong record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        fresh := ARRAY(SELECT id FROM n);
    ELSE
        fresh := ARRAY(SELECT n.id FROM n JOIN o ON o.id = n.id WHERE o.state = 'failed' AND n.state = 'queued');
    END IF;
    IF fresh = '{}' THEN RETURN NULL; END IF;
    -- FOR SHARE: the dataset cannot be closed while something is registered in it.
    PERFORM 1 FROM dataset WHERE id IN (SELECT dataset FROM registration WHERE id = ANY (fresh)) ORDER BY id FOR SHARE;
    SELECT d.name, d.state, d.task INTO wrong FROM dataset d
    WHERE d.id IN (SELECT dataset FROM registration WHERE id = ANY (fresh)) AND (d.state = 'closed' OR d.task IS NOT NULL)
    ORDER BY d.id LIMIT 1;
    IF FOUND THEN
        IF wrong.state = 'closed' THEN
            RAISE EXCEPTION 'dataset % is closed: its files cannot change', wrong.name USING ERRCODE = 'MR003';
        END IF;
        RAISE EXCEPTION 'dataset % is filled by task %: nothing else comes into it', wrong.name, wrong.task USING ERRCODE = 'MR004';
    END IF;
    SELECT g.lfn, g.storage INTO wrong FROM registration r JOIN garbage g ON g.lfn = r.lfn AND g.storage = r.storage
    WHERE r.id = ANY (fresh) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'file % is on the list of what is deleted from %', wrong.lfn, wrong.storage USING ERRCODE = 'MR004';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER guard_new AFTER INSERT ON registration REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_registration();
CREATE TRIGGER guard_again AFTER UPDATE ON registration REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_registration();

-- What an operator brought in was there before us: it is never put on the list, also when it was not what was said of it.
CREATE FUNCTION guard_garbage() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE wrong record;
BEGIN
    SELECT r.lfn, r.storage INTO wrong FROM n JOIN registration r ON r.lfn = n.lfn AND r.storage = n.storage LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'file % at % was registered by a person: it is never deleted', wrong.lfn, wrong.storage USING ERRCODE = 'MR004';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER guard_new AFTER INSERT ON garbage REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION guard_garbage();

CREATE FUNCTION guard_closing() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE waiting bigint;
BEGIN
    SELECT count(*) INTO waiting FROM registration WHERE dataset = NEW.id AND state IN ('queued', 'active');
    IF waiting > 0 THEN
        RAISE EXCEPTION 'dataset % cannot be closed: % files that were registered in it have yet to be verified', NEW.name, waiting
            USING ERRCODE = 'MR004';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_closing BEFORE UPDATE ON dataset FOR EACH ROW WHEN (OLD.state = 'open' AND NEW.state = 'closed' AND NEW.task IS NULL)
    EXECUTE FUNCTION guard_closing();

-- As with containers: a dataset whose files are being deleted gives none to others.
CREATE FUNCTION guard_dataset_source() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_cleaned(ARRAY(SELECT d.name FROM n JOIN dataset d ON d.id = n.source), 'put into another');
    RETURN NULL;
END $$;
CREATE TRIGGER guard_cleaned AFTER INSERT ON dataset_source REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_dataset_source();

-- ---------------------------------------------------------------- the log
CREATE FUNCTION log_registration() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
        SELECT 'registration', 'registration:' || n.id, n.version, n.state, n.reason, n.who,
               'registration.' || n.storage || '.' || n.state,
               jsonb_build_object('registration', n.id, 'lfn', n.lfn, 'storage', n.storage, 'dataset', d.name)
        FROM n CROSS JOIN LATERAL (SELECT name FROM dataset WHERE id = n.dataset OFFSET 0) d;
    ELSE
        -- What an operator said once more is the operator's; the rest is what a service found.
        INSERT INTO transition (kind, entity, version, from_state, to_state, cause, who, route, detail)
        SELECT 'registration', 'registration:' || n.id, n.version, o.state, n.state, n.reason,
               CASE WHEN o.state = 'failed' THEN n.who ELSE me() END, 'registration.' || n.storage || '.' || n.state,
               jsonb_build_object('registration', n.id, 'lfn', n.lfn, 'storage', n.storage, 'dataset', d.name, 'tries', n.tries)
        FROM n JOIN o ON o.id = n.id CROSS JOIN LATERAL (SELECT name FROM dataset WHERE id = n.dataset OFFSET 0) d WHERE n.state <> o.state;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER log_new AFTER INSERT ON registration REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION log_registration();
CREATE TRIGGER log_move AFTER UPDATE ON registration REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION log_registration();

-- As in V0003 but for who and why: a file that no job made was brought in by somebody.
CREATE OR REPLACE FUNCTION log_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO transition (kind, entity, version, to_state, cause, who, route, detail)
    SELECT 'file', 'file:' || n.lfn, 1, 'registered', 'was at ' || r.storage || ', and is verified', coalesce(r.who, me()), 'file.registered',
           jsonb_build_object('lfn', n.lfn, 'bytes', n.bytes, 'events', n.events, 'task', n.task, 'index', n.index, 'attempt', n.attempt)
    FROM n LEFT JOIN LATERAL (
        SELECT r.storage, r.who FROM registration r WHERE n.task IS NULL AND r.lfn = n.lfn AND r.state = 'active' ORDER BY r.id LIMIT 1
    ) r ON true;
    RETURN NULL;
END $$;

INSERT INTO legal_transition (kind, from_state, to_state) VALUES
    ('registration', NULL, 'queued'), ('registration', 'queued', 'active'), ('registration', 'active', 'done'),
    ('registration', 'active', 'queued'), ('registration', 'active', 'failed'), ('registration', 'failed', 'queued');

-- ---------------------------------------------------------------- views
CREATE VIEW registration_view AS
SELECT r.id AS registration, r.lfn, r.storage, d.name AS dataset, r.state, r.bytes, r.adler32, r.crc32c, r.events, r.measured, r.tries,
       r.not_before, r.reason, r.who, r.created, r.updated
FROM registration r JOIN dataset d ON d.id = r.dataset;
