-- The catalogue, part 2: the jobs, their attempts, and the books. Count once, merge once, one winner per job: by key.

-- ---------------------------------------------------------------- files
CREATE TABLE file (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Names are compared byte by byte: so the key finds beginnings too, whatever the collation of the database.
    lfn      text COLLATE "C" NOT NULL UNIQUE CHECK (length(lfn) <= 511 AND lfn ~ '^/[A-Za-z0-9_.+/-]+$' AND lfn !~ '(^|/)\.\.?(/|$)' AND lfn !~ '//'),
    bytes    bigint NOT NULL CHECK (bytes > 0),
    adler32  text NOT NULL CHECK (adler32 ~ '^[0-9a-f]{8}$'),
    crc32c   text NOT NULL CHECK (crc32c ~ '^[0-9a-f]{8}$'),
    events   bigint NOT NULL CHECK (events >= 0),
    task     bigint REFERENCES task,
    index    bigint,
    attempt  int,
    software text,
    site     text REFERENCES site,
    created  timestamptz NOT NULL DEFAULT now(),
    lost     boolean NOT NULL DEFAULT false,
    UNIQUE (id, events)
);
CREATE INDEX file_job ON file (task, index);

CREATE TABLE replica (
    file    bigint NOT NULL REFERENCES file,
    storage text NOT NULL REFERENCES storage_element,
    state   text NOT NULL CHECK (state IN ('copying', 'available', 'bad', 'deleting')),
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file, storage)
);

CREATE INDEX replica_bad ON replica (state, file) WHERE state IN ('bad', 'deleting');

CREATE TABLE file_parent (
    file   bigint NOT NULL REFERENCES file,
    parent bigint NOT NULL REFERENCES file,
    PRIMARY KEY (file, parent),
    CHECK (file <> parent)
);
CREATE INDEX file_parent_up ON file_parent (parent);

-- ---------------------------------------------------------------- jobs. Partitioned by task, all with equal bounds.
CREATE TABLE job (
    task            bigint NOT NULL REFERENCES task,
    index           bigint NOT NULL CHECK (index >= 0),
    events_expected bigint NOT NULL CHECK (events_expected >= 0),
    state           text NOT NULL,
    version         bigint NOT NULL DEFAULT 1,
    attempts        int NOT NULL DEFAULT 0 CHECK (attempts >= 0),       -- made so far; only grows
    failures        int NOT NULL DEFAULT 0 CHECK (failures >= 0),       -- of those, the counted ones
    first_event     bigint CHECK (first_event >= 0),    -- the number of its first event; NULL: as its index says
    split_from      bigint,                     -- the job that was replaced by this one and others
    split_level     smallint NOT NULL DEFAULT 0,        -- how often that happened on the way to it
    class           int REFERENCES class,       -- when a verdict gave it more than its task asks for; NULL: its task's
    cause           text,
    who             text,
    PRIMARY KEY (task, index),
    UNIQUE (task, index, events_expected),
    CHECK ((split_from IS NULL) = (split_level = 0)),
    FOREIGN KEY (task, split_from) REFERENCES job (task, index)
) PARTITION BY RANGE (task);
CREATE INDEX job_raised ON job (task) WHERE class IS NOT NULL;
CREATE INDEX job_split ON job (task, split_from) WHERE split_from IS NOT NULL;

-- The key is "one live attempt per job".
CREATE TABLE lease (
    task      bigint NOT NULL,
    index     bigint NOT NULL,
    attempt   int NOT NULL,
    holder    int NOT NULL REFERENCES agent_session,
    token     uuid NOT NULL,
    site      text NOT NULL,
    state     text NOT NULL,
    sequence  bigint NOT NULL DEFAULT 0,  -- of the last report applied
    version   int NOT NULL DEFAULT 1,
    step      text,
    since     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task, index),
    FOREIGN KEY (task, index) REFERENCES job (task, index)
) PARTITION BY RANGE (task);
CREATE INDEX lease_holder ON lease (holder);

-- What each agent holds by the books, as delta rows summed on read, at most 16 an agent: a heartbeat costs the same whether its
-- agent holds ten attempts or ten thousand.
CREATE TABLE held_tally (
    holder int NOT NULL REFERENCES agent_session,
    slot   int NOT NULL,
    count  bigint NOT NULL DEFAULT 0,
    hash   bigint NOT NULL DEFAULT 0,     -- sum of ((task * 1000003 + index) * 31 + attempt) % 4294967291
    PRIMARY KEY (holder, slot)
) WITH (fillfactor = 50);

-- What one agent sent to its batch system at once, by task: the grid job of the D0 talk. One row may stand for thousands of attempts.
CREATE TABLE batch_submission (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site        text NOT NULL REFERENCES site,
    agent       text NOT NULL,
    name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),       -- as its batch system calls it
    task        bigint NOT NULL REFERENCES task,
    attempts    bigint NOT NULL CHECK (attempts > 0),
    input_files bigint NOT NULL CHECK (input_files >= 0),
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (task, site, agent, name)
);
CREATE INDEX batch_submission_task ON batch_submission (task, id);

CREATE TABLE attempt (
    task            bigint NOT NULL,
    index           bigint NOT NULL,
    attempt         int NOT NULL CHECK (attempt > 0),
    token           uuid NOT NULL,
    site            text NOT NULL REFERENCES site,
    agent           text NOT NULL,
    node            text,
    batch_id        text,
    submission      bigint REFERENCES batch_submission,
    events_expected bigint NOT NULL,
    events_read     bigint CHECK (events_read >= 0),
    state           text,                 -- NULL while a lease carries it; then done, failed, lost or cancelled
    left_from       text,                 -- the live state it ended from
    version         int NOT NULL DEFAULT 1,
    step            text,
    leased_at       timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,          -- the agent said it worked
    ended_at        timestamptz,
    cpu_seconds     double precision CHECK (cpu_seconds >= 0),
    wall_seconds    double precision CHECK (wall_seconds >= 0),
    memory_peak     bigint CHECK (memory_peak >= 0),
    code            int,
    blame           text,
    diagnostic      text,
    failures        jsonb,
    steps           jsonb,
    log             text,
    cause           text,
    PRIMARY KEY (task, index, attempt),
    FOREIGN KEY (task, index, events_expected) REFERENCES job (task, index, events_expected),
    UNIQUE (task, index, attempt, state),
    CHECK (state IS NULL OR state IN ('done', 'failed', 'lost', 'cancelled')),
    CHECK ((state IS NULL) = (ended_at IS NULL)),
    CHECK (state IS DISTINCT FROM 'failed' OR code IS NOT NULL),
    CHECK (state IS DISTINCT FROM 'done' OR events_read IS NOT DISTINCT FROM events_expected)
) PARTITION BY RANGE (task);
CREATE INDEX attempt_submission ON attempt (submission) WHERE submission IS NOT NULL;
CREATE UNIQUE INDEX attempt_one_live ON attempt (task, index) WHERE state IS NULL;
CREATE INDEX attempt_ended ON attempt (ended_at, site) WHERE state IN ('failed', 'lost');
-- What people look for among attempts is what went wrong: attempts that go well have no row in these.
CREATE INDEX attempt_state ON attempt (state, task, index, attempt) WHERE state IN ('failed', 'lost', 'cancelled');
CREATE INDEX attempt_code ON attempt (code, task, index, attempt) WHERE code IS NOT NULL;
CREATE INDEX attempt_blame ON attempt (blame, task, index, attempt) WHERE blame IS NOT NULL;

CREATE TABLE output (
    task    bigint NOT NULL,
    index   bigint NOT NULL,
    attempt int NOT NULL,
    stream  text NOT NULL,
    events  bigint NOT NULL CHECK (events >= 0),
    counted boolean NOT NULL,
    file    bigint,
    PRIMARY KEY (task, index, attempt, stream),
    FOREIGN KEY (task, index, attempt) REFERENCES attempt (task, index, attempt),
    FOREIGN KEY (file, events) REFERENCES file (id, events),
    UNIQUE (task, index, attempt, stream, events),
    CHECK (CASE WHEN counted THEN (file IS NULL) = (events = 0) ELSE file IS NOT NULL AND events = 0 END)
) PARTITION BY RANGE (task);
CREATE INDEX output_file ON output (file);

-- The only place that says who won.
CREATE TABLE winner (
    task    bigint NOT NULL,
    index   bigint NOT NULL,
    attempt int NOT NULL,
    state   text NOT NULL DEFAULT 'done' CHECK (state = 'done'),
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task, index),
    FOREIGN KEY (task, index, attempt, state) REFERENCES attempt (task, index, attempt, state),
    UNIQUE (task, index, attempt)
) PARTITION BY RANGE (task);

CREATE TABLE accepted (
    task    bigint NOT NULL,
    index   bigint NOT NULL,
    stream  text NOT NULL,
    attempt int NOT NULL,
    events  bigint NOT NULL,
    PRIMARY KEY (task, index, stream),
    FOREIGN KEY (task, index, attempt) REFERENCES winner (task, index, attempt),
    FOREIGN KEY (task, stream) REFERENCES task_stream (task, stream),
    FOREIGN KEY (task, index, attempt, stream, events) REFERENCES output (task, index, attempt, stream, events)
) PARTITION BY RANGE (task);

-- A slice of a file belongs to one job of a task; slices may not overlap (EXCLUDE, made on each partition).
CREATE TABLE unit_input (
    task   bigint NOT NULL,
    index  bigint NOT NULL,
    file   bigint NOT NULL REFERENCES file,
    slice  int8range NOT NULL CHECK (NOT isempty(slice)),
    FOREIGN KEY (task, index) REFERENCES job (task, index)
) PARTITION BY RANGE (task);
CREATE INDEX unit_input_job ON unit_input (task, index);

-- Only accepted outputs can be merged, each once a merge task.
CREATE TABLE merge_input (
    task      bigint NOT NULL,
    index     bigint NOT NULL,
    src_task  bigint NOT NULL,
    src_index bigint NOT NULL,
    stream    text NOT NULL,
    PRIMARY KEY (task, src_task, src_index, stream),
    FOREIGN KEY (task, index) REFERENCES job (task, index),
    FOREIGN KEY (src_task, src_index, stream) REFERENCES accepted (task, index, stream)
) PARTITION BY RANGE (task);
CREATE INDEX merge_input_job ON merge_input (task, index);
CREATE INDEX merge_input_source ON merge_input (src_task, src_index, stream);         -- who merged an output, and the check of its key

-- Files of attempts that did not win, deleted by Transfer after the grace time.
CREATE TABLE garbage (
    lfn     text NOT NULL,
    storage text NOT NULL REFERENCES storage_element,
    not_before timestamptz NOT NULL,
    reason  text NOT NULL,
    PRIMARY KEY (lfn, storage)
);
CREATE INDEX garbage_due ON garbage (not_before);

-- ---------------------------------------------------------------- datasets
CREATE TABLE dataset (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_.+-]{1,255}$'),
    state   text NOT NULL DEFAULT 'open',
    version bigint NOT NULL DEFAULT 1,
    task    bigint REFERENCES task,
    stream  text,
    home    text NOT NULL REFERENCES storage_element,
    cause   text,
    who     text,
    created timestamptz NOT NULL DEFAULT now(),
    closed  timestamptz,
    UNIQUE (task, stream),
    FOREIGN KEY (task, stream) REFERENCES task_stream (task, stream)
);

CREATE TABLE dataset_file (
    dataset bigint NOT NULL REFERENCES dataset,
    file    bigint NOT NULL REFERENCES file,
    PRIMARY KEY (dataset, file)
);
CREATE INDEX dataset_file_file ON dataset_file (file);

-- Running tasks that take what comes into an open dataset, as it comes.
CREATE TABLE input_feed (
    dataset bigint NOT NULL REFERENCES dataset,
    task    bigint NOT NULL REFERENCES task,
    PRIMARY KEY (dataset, task)
);
CREATE INDEX input_feed_task ON input_feed (task);

-- What came and is in no job yet.
CREATE TABLE pending_input (
    task    bigint NOT NULL REFERENCES task,
    file    bigint NOT NULL REFERENCES file,
    dataset bigint NOT NULL REFERENCES dataset,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (task, file)
);
CREATE INDEX pending_input_file ON pending_input (file);

-- Delta rows summed on read, at most 16 a dataset.
CREATE TABLE dataset_counter (
    dataset bigint NOT NULL REFERENCES dataset,
    slot    int NOT NULL,
    files   bigint NOT NULL DEFAULT 0,
    bytes   bigint NOT NULL DEFAULT 0,
    events  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (dataset, slot)
) WITH (fillfactor = 50);

CREATE TABLE subscription (
    dataset bigint NOT NULL REFERENCES dataset,
    storage text NOT NULL REFERENCES storage_element,
    since   timestamptz NOT NULL DEFAULT now(),
    who     text NOT NULL,
    PRIMARY KEY (dataset, storage)
);

-- ---------------------------------------------------------------- transfers
CREATE TABLE transfer (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file        bigint NOT NULL REFERENCES file,
    source      text REFERENCES storage_element,
    destination text NOT NULL REFERENCES storage_element,
    state       text NOT NULL DEFAULT 'queued',
    version     bigint NOT NULL DEFAULT 1,
    token       uuid,
    worker      text,
    lease_until timestamptz,
    tries       int NOT NULL DEFAULT 0,
    not_before  timestamptz NOT NULL DEFAULT '-infinity',
    reason      text,
    who         text,
    created     timestamptz NOT NULL DEFAULT now(),
    updated     timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'active') = (token IS NOT NULL)),
    CHECK ((state = 'active') = (lease_until IS NOT NULL))
);
CREATE UNIQUE INDEX transfer_one_live ON transfer (file, destination) WHERE state IN ('queued', 'active');
CREATE INDEX transfer_queue ON transfer (destination, not_before, id) WHERE state = 'queued';
CREATE INDEX transfer_ended_badly ON transfer (state, id) WHERE state IN ('failed', 'cancelled');
CREATE INDEX transfer_active ON transfer (lease_until) WHERE state = 'active';

-- ---------------------------------------------------------------- failures
-- Two tables in one, tried apart: whose fault a failure is, and what is done about it.
CREATE TABLE failure_rule (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9-]{1,64}$'),
    kind       text NOT NULL CHECK (kind IN ('blame', 'action')),
    priority   int NOT NULL,              -- lower first
    code_first int CHECK (code_first BETWEEN 1000 AND 9999),
    code_last  int CHECK (code_last BETWEEN 1000 AND 9999),
    pattern    text,                      -- regular expression on the diagnostic; NULL: any
    scope      jsonb NOT NULL DEFAULT '{}',
    blame      text,
    action     text CHECK (action IN ('resubmit', 'abort', 'pause')),
    parameters jsonb NOT NULL DEFAULT '{}',
    why        text NOT NULL DEFAULT '',
    active     boolean NOT NULL DEFAULT true,           -- false: only observed
    expires    timestamptz,
    who        text NOT NULL,
    changed    timestamptz NOT NULL DEFAULT now(),
    CHECK ((code_first IS NULL) = (code_last IS NULL)),
    CHECK (code_last >= code_first),
    CHECK ((kind = 'blame') = (blame IS NOT NULL)),
    CHECK ((kind = 'action') = (action IS NOT NULL))
);

-- Who changed which rule, and what it was then.
CREATE TABLE rule_change (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule   text NOT NULL,
    change text NOT NULL CHECK (change IN ('added', 'changed', 'removed')),
    row    jsonb NOT NULL,
    who    text NOT NULL,
    at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX rule_change_rule ON rule_change (rule, id);

-- One verdict per failed attempt.
CREATE TABLE verdict (
    task           bigint NOT NULL,
    index          bigint NOT NULL,
    attempt        int NOT NULL,
    site           text NOT NULL,
    node           text,
    action         text NOT NULL CHECK (action IN ('resubmit', 'abort', 'pause')),
    class          text NOT NULL,
    blame          text NOT NULL,
    code           int NOT NULL,
    diagnostic     text NOT NULL,
    fingerprint    text NOT NULL,
    rule           text NOT NULL,
    blame_rule     text,                  -- NULL: the code's own blame
    observed       text[] NOT NULL DEFAULT '{}',        -- rules only observed that would have decided
    reason         text NOT NULL,
    counted        boolean NOT NULL,
    forgiven       boolean NOT NULL DEFAULT false,      -- counted first, and then found to be the fault of its node or site
    not_before     timestamptz,
    changes        jsonb NOT NULL DEFAULT '{}',
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    carried_out_at timestamptz,
    PRIMARY KEY (task, index, attempt),
    FOREIGN KEY (task, index, attempt) REFERENCES attempt (task, index, attempt)
);
CREATE INDEX verdict_open ON verdict (at) WHERE carried_out_at IS NULL;
CREATE INDEX verdict_at ON verdict (at);
CREATE INDEX verdict_task ON verdict (task, at);
CREATE INDEX verdict_site ON verdict (site, at);
CREATE INDEX verdict_code ON verdict (code, at);
CREATE INDEX verdict_rule ON verdict (rule, at);

-- Files that attempts could not read, each a symptom: what an operator looks at before a replica is condemned.
CREATE TABLE suspicion (
    file       bigint NOT NULL REFERENCES file,
    task       bigint NOT NULL,
    index      bigint NOT NULL,
    attempt    int NOT NULL,
    site       text NOT NULL REFERENCES site,
    code       int NOT NULL,
    diagnostic text NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (file, task, index, attempt)
);
CREATE INDEX suspicion_at ON suspicion (at);

-- Counted failures of a task by what they have in common, since it last began to run: what the brake looks at.
CREATE TABLE failure_tally (
    task         bigint NOT NULL REFERENCES task,
    fingerprint  text NOT NULL,
    failures     bigint NOT NULL,
    jobs         bigint NOT NULL,         -- different ones
    lost_seconds double precision NOT NULL,             -- of wall time
    PRIMARY KEY (task, fingerprint)
);

-- How attempts ended by place, minute and writer: what black holes are found from. Old minutes are deleted.
CREATE TABLE place_tally (
    minute      timestamptz NOT NULL,
    site        text NOT NULL,
    node        text NOT NULL,            -- empty: the agent named none
    task        bigint NOT NULL,
    slot        int NOT NULL,
    good        bigint NOT NULL DEFAULT 0,
    failed      bigint NOT NULL DEFAULT 0,              -- other than by an operator, the task's definition or its data
    good_wall   double precision NOT NULL DEFAULT 0,
    failed_wall double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (minute, site, node, task, slot)
);

-- Nodes and sites the Monitor keeps from work, and how far each is on its way back.
CREATE TABLE excluded_place (
    site          text NOT NULL REFERENCES site,
    node          text NOT NULL,          -- empty: the whole site
    phase         text NOT NULL CHECK (phase IN ('resting', 'probing')),
    reason        text NOT NULL,
    round         int NOT NULL CHECK (round > 0),
    pause_seconds double precision NOT NULL CHECK (pause_seconds >= 0),
    since         timestamptz NOT NULL DEFAULT clock_timestamp(),       -- of the phase
    excluded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    probes        int NOT NULL CHECK (probes > 0),      -- jobs at once while a site is probed
    PRIMARY KEY (site, node)
);

-- How far running attempts are, as they say themselves. Lost with a crash of the database, and made anew by the next report.
CREATE UNLOGGED TABLE progress (
    task     bigint NOT NULL,
    index    bigint NOT NULL,
    attempt  int NOT NULL,
    step     text NOT NULL,
    fraction double precision CHECK (fraction BETWEEN 0 AND 1),
    metrics  jsonb,
    tail     text,
    at       timestamptz NOT NULL,
    PRIMARY KEY (task, index)
) WITH (fillfactor = 50);

-- ---------------------------------------------------------------- partitions
-- Makes the partitions that hold `task`, on every partitioned table at once. A second call does nothing.
-- They are not analysed: of a table never analysed the planner assumes ten pages and takes an index, of one analysed while
-- empty it assumes nothing and reads all of it when it has grown (0.33 ms instead of 0.006 for each check of a key, 5,500 rows).
CREATE FUNCTION make_partitions(task bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    width  constant bigint := 1000;
    low    constant bigint := (task / width) * width;
    parent text;
BEGIN
    PERFORM pg_advisory_xact_lock(7142, 1);
    FOREACH parent IN ARRAY ARRAY['job', 'attempt', 'lease', 'output', 'winner', 'accepted', 'unit_input', 'merge_input'] LOOP
        IF to_regclass(format('%I', parent || '_p' || low)) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                           parent || '_p' || low, parent, low, low + width);
            IF parent IN ('job', 'lease', 'attempt') THEN
                EXECUTE format('ALTER TABLE %I SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)',
                               parent || '_p' || low);
            END IF;
            IF parent = 'unit_input' THEN
                EXECUTE format('ALTER TABLE %I ADD EXCLUDE USING gist (task WITH =, file WITH =, slice WITH &&)',
                               parent || '_p' || low);
            END IF;
        END IF;
    END LOOP;
END $$;

SELECT make_partitions(0);
