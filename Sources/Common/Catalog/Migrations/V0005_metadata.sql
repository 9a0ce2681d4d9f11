-- The catalogue, part 5: what people say of files, and sets of datasets.

-- ---------------------------------------------------------------- fields
CREATE TABLE metadata_field (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    type        text NOT NULL CHECK (type IN ('integer', 'number', 'text', 'boolean', 'time')),
    description text NOT NULL DEFAULT '',
    who         text NOT NULL,
    created     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, type)
);

-- Whether exactly the column of this type has a value. A NULL among the arguments is what this is about.
CREATE FUNCTION is_typed(type text, i bigint, n double precision, t text, b boolean, m timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT num_nonnulls(i, n, t, b, m) = 1 AND CASE type
        WHEN 'integer' THEN i IS NOT NULL
        WHEN 'number' THEN n IS NOT NULL
        WHEN 'text' THEN t IS NOT NULL
        WHEN 'boolean' THEN b IS NOT NULL
        WHEN 'time' THEN m IS NOT NULL
        ELSE false END
$$;

-- A file's own value: it outranks what its datasets say. The reference carries the field's type with it, so that a value of another
-- type has no place to be in.
CREATE TABLE file_metadata (
    file          bigint NOT NULL REFERENCES file,
    field         int NOT NULL,
    type          text NOT NULL,
    integer_value bigint,
    number_value  double precision CHECK (number_value > '-Infinity' AND number_value < 'Infinity'),
    text_value    text COLLATE "C" CHECK (octet_length(text_value) BETWEEN 1 AND 500),
    boolean_value boolean,
    time_value    timestamptz CHECK (isfinite(time_value)),
    PRIMARY KEY (field, file),
    FOREIGN KEY (field, type) REFERENCES metadata_field (id, type),
    CHECK (is_typed(type, integer_value, number_value, text_value, boolean_value, time_value))
);
-- By field and value: equality, ranges and beginnings of texts. A row is in one of them.
CREATE INDEX file_metadata_integer ON file_metadata (field, integer_value, file) WHERE integer_value IS NOT NULL;
CREATE INDEX file_metadata_number ON file_metadata (field, number_value, file) WHERE number_value IS NOT NULL;
CREATE INDEX file_metadata_text ON file_metadata (field, text_value, file) WHERE text_value IS NOT NULL;
CREATE INDEX file_metadata_boolean ON file_metadata (field, boolean_value, file) WHERE boolean_value IS NOT NULL;
CREATE INDEX file_metadata_time ON file_metadata (field, time_value, file) WHERE time_value IS NOT NULL;

-- What holds for every file of a dataset, also for those that come: accepting a file writes nothing here. If several datasets of a
-- file say it, the oldest counts.
CREATE TABLE dataset_metadata (
    dataset       bigint NOT NULL REFERENCES dataset,
    field         int NOT NULL,
    type          text NOT NULL,
    integer_value bigint,
    number_value  double precision CHECK (number_value > '-Infinity' AND number_value < 'Infinity'),
    text_value    text COLLATE "C" CHECK (octet_length(text_value) BETWEEN 1 AND 500),
    boolean_value boolean,
    time_value    timestamptz CHECK (isfinite(time_value)),
    PRIMARY KEY (dataset, field),
    FOREIGN KEY (field, type) REFERENCES metadata_field (id, type),
    CHECK (is_typed(type, integer_value, number_value, text_value, boolean_value, time_value))
);
CREATE INDEX dataset_metadata_field ON dataset_metadata (field, dataset);

-- Files that are lost are few, and looked for.
CREATE INDEX file_lost ON file (id) WHERE lost;

-- ---------------------------------------------------------------- containers
CREATE TABLE container (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_.+-]{1,255}$'),
    state   text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    owner   text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    closed  timestamptz,
    CHECK ((state = 'closed') = (closed IS NOT NULL))
);

CREATE TABLE container_member (
    container bigint NOT NULL REFERENCES container,
    dataset   bigint NOT NULL REFERENCES dataset,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (container, dataset)
);
CREATE INDEX container_member_dataset ON container_member (dataset);

-- A closed container never changes: not its state, not its members.
CREATE FUNCTION guard_container_member() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE closed_name text;
BEGIN
    -- FOR SHARE: a container cannot be closed while its members change.
    PERFORM 1 FROM container WHERE id IN (SELECT container FROM n) ORDER BY id FOR SHARE;
    SELECT name INTO closed_name FROM container WHERE id IN (SELECT container FROM n) AND state = 'closed' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'container % is closed: its datasets cannot change', closed_name USING ERRCODE = 'MR003';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER guard_new AFTER INSERT ON container_member REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_container_member();
CREATE TRIGGER guard_gone AFTER DELETE ON container_member REFERENCING OLD TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION guard_container_member();
CREATE TRIGGER guard_change BEFORE UPDATE ON container_member FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION guard_container() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'container % is closed: it cannot change', OLD.name USING ERRCODE = 'MR003';
END $$;
CREATE TRIGGER guard_change BEFORE UPDATE OR DELETE ON container FOR EACH ROW WHEN (OLD.state = 'closed')
    EXECUTE FUNCTION guard_container();

-- ---------------------------------------------------------------- who said so
-- Every change of fields, values and containers that people made. The values that a workflow gives are in its request.
CREATE TABLE metadata_change (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,                -- such as file:/a/b, dataset:x, field:run, container:x
    change  text NOT NULL CHECK (change IN ('added', 'changed', 'removed', 'closed')),
    detail  jsonb NOT NULL DEFAULT '{}',
    who     text NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX metadata_change_subject ON metadata_change (subject, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON metadata_change FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- ---------------------------------------------------------------- inputs of tasks
-- A task also reads the files that a query finds, or the datasets of a container, when it begins; unit_input says which these were.
ALTER TABLE task_input ADD COLUMN query text, ADD COLUMN container text, DROP CONSTRAINT task_input_check,
    ADD CONSTRAINT task_input_one_source CHECK (
        num_nonnulls(parent, dataset, query, container) = 1 AND (parent IS NULL) = (stream IS NULL));
CREATE INDEX task_input_container ON task_input (container) WHERE container IS NOT NULL;

-- Fields whose values the inputs of one job share.
ALTER TABLE task ADD COLUMN group_by text[] NOT NULL DEFAULT '{}';

-- ---------------------------------------------------------------- views
-- The value of a file or dataset as JSON, however it is kept.
CREATE FUNCTION metadata_json(i bigint, n double precision, t text, b boolean, m timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT coalesce(to_jsonb(i), to_jsonb(n), to_jsonb(t), to_jsonb(b), to_jsonb(m)) $$;

CREATE VIEW container_view AS
SELECT c.name AS container, c.state, c.owner, count(m.dataset) AS datasets, coalesce(sum(v.files), 0)::bigint AS files,
       coalesce(sum(v.bytes), 0)::bigint AS bytes, coalesce(sum(v.events), 0)::bigint AS events, c.created, c.closed
FROM container c LEFT JOIN container_member m ON m.container = c.id
LEFT JOIN LATERAL (
    SELECT sum(k.files) AS files, sum(k.bytes) AS bytes, sum(k.events) AS events FROM dataset_counter k WHERE k.dataset = m.dataset
) v ON true
GROUP BY c.id;
