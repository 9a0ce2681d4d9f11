-- The catalogue, part 1: who and what for. Requests, tasks, waiting work, demand.
-- Forward only: a change to this file after it was applied is refused by its checksum; write the next migration instead.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- ---------------------------------------------------------------- states
-- Every legal move of every state machine. The Swift tables in Domain are the source; a test compares them.
CREATE TABLE legal_transition (
    kind       text NOT NULL,
    from_state text,                      -- NULL: the entity comes into being in to_state
    to_state   text NOT NULL,
    UNIQUE NULLS NOT DISTINCT (kind, from_state, to_state)
);

-- The audit trail and the source of the event feed. Written by triggers alone, so no code can forget it.
CREATE TABLE transition (
    id         bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    kind       text NOT NULL,             -- request, task, job, attempt, file, dataset, transfer, site, verdict
    entity     text NOT NULL,             -- such as attempt:12.5.1
    version    bigint NOT NULL,           -- of the entity, growing: consumers drop what is older
    from_state text,
    to_state   text NOT NULL,
    cause      text,
    who        text NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    route      text,                      -- routing key in millrace.event; NULL: kept here, not published
    detail     jsonb
);
CREATE INDEX transition_entity ON transition (entity, id);
-- The kinds that are few among those of jobs, attempts and files.
CREATE INDEX transition_kind ON transition (kind, id) WHERE kind IN ('request', 'task', 'dataset', 'site', 'place', 'verdict', 'transfer');

-- How far the feed has been published. One row; its lease says who is the relay.
CREATE TABLE relay (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    published    bigint NOT NULL DEFAULT 0,
    holder       text,
    term         bigint NOT NULL DEFAULT 0,
    lease_until  timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO relay DEFAULT VALUES;

-- Commands to be sent, written in the transaction of their effect; a row goes when the broker has confirmed it.
CREATE TABLE outbox (
    id          uuid PRIMARY KEY,         -- the message id, stable across retries
    exchange    text NOT NULL,
    routing_key text NOT NULL,
    type        text NOT NULL,
    body        text NOT NULL,
    traceparent text NOT NULL,            -- W3C Trace Context: of what caused the command
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX outbox_age ON outbox (created_at);

-- Message ids already applied, only where no key makes the effect idempotent.
CREATE TABLE inbox (
    consumer   text NOT NULL,
    message_id uuid NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, message_id)
);

-- Every running process of the farm, as it sees itself. progressed_at moves only when work moves (or there is none).
CREATE TABLE service_instance (
    service       text NOT NULL,
    instance      text NOT NULL,
    host          text NOT NULL,
    pid           int NOT NULL,
    version       text NOT NULL,
    started_at    timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL,
    progressed_at timestamptz NOT NULL,
    done          bigint NOT NULL DEFAULT 0,
    trouble       text,
    PRIMARY KEY (service, instance)
);

-- ---------------------------------------------------------------- the generator table and the simulations of the tracker
CREATE TABLE sample (
    gen_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    process       text NOT NULL,
    generator     text NOT NULL,
    energy        double precision NOT NULL CHECK (energy > 0),        -- GeV, centre of mass
    luminosity    double precision NOT NULL DEFAULT 0 CHECK (luminosity >= 0),
    cross_section double precision NOT NULL DEFAULT 0 CHECK (cross_section >= 0),
    pol_ep        double precision NOT NULL DEFAULT 0 CHECK (pol_ep BETWEEN -1 AND 1),
    pol_em        double precision NOT NULL DEFAULT 0 CHECK (pol_em BETWEEN -1 AND 1),
    producer      text NOT NULL,
    cut           text,
    root_name     text NOT NULL UNIQUE CHECK (root_name ~ '^[A-Za-z0-9_.-]{1,64}$'),
    total_events  bigint NOT NULL CHECK (total_events >= 0)
);

CREATE TABLE simulation (
    sim_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ssw            text NOT NULL,
    ssw_ver        text NOT NULL,
    detector_model text NOT NULL,
    physics_list   text NOT NULL,
    UNIQUE (ssw, ssw_ver, detector_model, physics_list)
);

-- ---------------------------------------------------------------- sites and storage
CREATE TABLE cloud (name text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_.-]{1,64}$'));

CREATE TABLE site (
    name    text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    cloud   text REFERENCES cloud,
    access  text NOT NULL DEFAULT 'allowed',
    version bigint NOT NULL DEFAULT 1,
    reason  text,
    until   timestamptz,
    who     text,
    lost_after interval NOT NULL DEFAULT '5 minutes' CHECK (lost_after > interval '0'),
    created timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE storage_element (
    name   text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    site   text REFERENCES site,
    kind   text NOT NULL CHECK (kind IN ('posix')),
    base   text NOT NULL CHECK (base ~ '^/'),
    limit_active int NOT NULL DEFAULT 8 CHECK (limit_active > 0),
    created timestamptz NOT NULL DEFAULT now()
);

-- ---------------------------------------------------------------- work
CREATE TABLE workflow (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL CHECK (name ~ '^[A-Za-z0-9_.-]{1,64}$'),
    version   int NOT NULL CHECK (version > 0),
    document  jsonb NOT NULL,
    sha256    text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    owner     text NOT NULL,
    created   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (name, version)
);

-- How capacity is divided: a tree. The Scheduler serves whoever uses least for its weight; what a share has no work for, its
-- siblings take. A parent is there before its children and is never changed: there are no circles.
CREATE TABLE share (
    name    text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9_.-]{1,64}$'),
    parent  text REFERENCES share,
    weight  double precision NOT NULL CHECK (weight > 0 AND weight <= 1000000),
    who     text NOT NULL,
    changed timestamptz NOT NULL DEFAULT now()
);
CREATE FUNCTION refuse_other_parent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the parent of share % cannot change', OLD.name USING ERRCODE = 'MR004';
END $$;
CREATE TRIGGER fixed BEFORE UPDATE OF name, parent ON share FOR EACH ROW
    WHEN (OLD.parent IS DISTINCT FROM NEW.parent OR OLD.name <> NEW.name) EXECUTE FUNCTION refuse_other_parent();

CREATE TABLE request (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow    bigint NOT NULL REFERENCES workflow,
    title       text NOT NULL DEFAULT '',
    parameters  jsonb NOT NULL,
    seed        bigint NOT NULL,
    owner       text NOT NULL,
    grp         text NOT NULL DEFAULT 'production',
    priority    int NOT NULL DEFAULT 100,
    share       text REFERENCES share,    -- NULL: of none
    origin      bigint REFERENCES request,              -- the one it was cloned or derived from
    continues   bigint REFERENCES request,              -- the version before it: this one does what that one has not done
    sample      bigint REFERENCES sample,
    simulation  bigint REFERENCES simulation,
    -- An operator who presses the button twice, or two who press at once, make one request.
    submission  uuid NOT NULL UNIQUE,
    state       text NOT NULL DEFAULT 'new',
    version     bigint NOT NULL DEFAULT 1,
    held_from   text,
    cause       text,
    who         text,
    created     timestamptz NOT NULL DEFAULT now(),
    updated     timestamptz NOT NULL DEFAULT now(),
    CHECK ((state = 'held') = (held_from IS NOT NULL)),
    CHECK (continues < id)
);
-- A page of those in one state, and of those that have not ended, costs what it holds, however many have ended.
CREATE INDEX request_state ON request (state, id);
CREATE INDEX request_open ON request (id) WHERE state IN ('new', 'approved', 'running', 'held');
CREATE INDEX request_continues ON request (continues) WHERE continues IS NOT NULL;
-- What one version left undone is done by one other.
CREATE UNIQUE INDEX request_one_continuation ON request (continues) WHERE state NOT IN ('rejected', 'cancelled');

-- Jobs with equal needs share one class; agents are matched to classes, not to jobs.
CREATE TABLE class (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cores     int NOT NULL CHECK (cores > 0),
    memory_mb int NOT NULL CHECK (memory_mb > 0),
    walltime_s int NOT NULL CHECK (walltime_s > 0),
    disk_mb   int NOT NULL CHECK (disk_mb >= 0),
    platform  text NOT NULL,
    tags      text[] NOT NULL,            -- sorted
    sites     text[] NOT NULL,            -- sorted; empty: any site
    storage   text[] NOT NULL,            -- sorted; the agent must reach all of these to read the inputs
    share     text NOT NULL DEFAULT '',   -- whose part of the capacity they count for; empty: of no share
    UNIQUE (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage, share)
);

CREATE TABLE task (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request        bigint NOT NULL REFERENCES request,
    name           text NOT NULL CHECK (name ~ '^[A-Za-z0-9_.-]{1,64}$'),
    position       int NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('generate', 'process', 'skim', 'merge', 'derive', 'analyse')),
    class          int NOT NULL REFERENCES class,
    priority       int NOT NULL,
    spec           jsonb NOT NULL,        -- the expanded description an agent runs
    jobs_total     bigint CHECK (jobs_total >= 0),      -- NULL until the inputs are grouped
    events_total   bigint CHECK (events_total >= 0),
    -- The task of the version before that this one goes on with: what that one's winners did is not done again. One at most goes on
    -- with a task, whatever becomes of it.
    continues      bigint UNIQUE REFERENCES task,
    first_event    bigint NOT NULL DEFAULT 0 CHECK (first_event >= 0), -- without inputs: the number of its first event
    events_per_job bigint CHECK (events_per_job > 0),
    files_per_job  bigint CHECK (files_per_job > 0),    -- of a merge
    bytes_per_job  bigint CHECK (bytes_per_job > 0),
    flush_after_s  int CHECK (flush_after_s > 0),       -- inputs that have waited so long are merged, however few
    flush          boolean NOT NULL DEFAULT false,      -- an operator wants what waits to be merged now
    inputs_open    boolean NOT NULL DEFAULT false,      -- it runs, and more inputs may come
    allowed_loss   double precision NOT NULL DEFAULT 0 CHECK (allowed_loss BETWEEN 0 AND 1),
    max_attempts   int NOT NULL DEFAULT 3 CHECK (max_attempts > 0),
    scouts         int NOT NULL DEFAULT 0 CHECK (scouts >= 0),         -- so many jobs run first, alone; 0: none
    measured       jsonb,                 -- what the scouts needed
    state          text NOT NULL DEFAULT 'waiting',
    version        bigint NOT NULL DEFAULT 1,
    paused_from    text,
    cause          text,
    who            text,
    created        timestamptz NOT NULL DEFAULT now(),
    updated        timestamptz NOT NULL DEFAULT now(),
    UNIQUE (request, name),
    CHECK ((state = 'paused') = (paused_from IS NOT NULL)),
    CHECK (continues < id)
);
-- What people changed without a move: another priority, more events, jobs tried again. Moves are in the log.
CREATE TABLE request_change (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request bigint NOT NULL REFERENCES request,
    task    bigint REFERENCES task,       -- NULL: the request itself
    what    text NOT NULL,
    who     text NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX request_change_request ON request_change (request);

CREATE INDEX task_open ON task (state) WHERE state IN ('waiting', 'scouting', 'running', 'finishing', 'paused');

CREATE TABLE task_stream (
    task      bigint NOT NULL REFERENCES task,
    stream    text NOT NULL CHECK (stream ~ '^[A-Za-z0-9_.-]{1,64}$'),
    counted   boolean NOT NULL,           -- holds events (an empty one has no file), or is an artefact such as a plot
    main      boolean NOT NULL,           -- the stream whose events are the task's events
    PRIMARY KEY (task, stream),
    CHECK (counted OR NOT main)
);
CREATE UNIQUE INDEX task_one_main ON task_stream (task) WHERE main;

-- What a task reads: outputs of a sibling, or a dataset that must be closed first.
CREATE TABLE task_input (
    task     bigint NOT NULL REFERENCES task,
    position int NOT NULL,
    parent   bigint REFERENCES task,
    stream   text,
    dataset  text,
    events   bigint CHECK (events >= 0),  -- only the first so many events; NULL: all
    missing_in text,                      -- only files of which this dataset holds none that was made from them; NULL: all
    PRIMARY KEY (task, position),
    CHECK ((parent IS NOT NULL AND stream IS NOT NULL AND dataset IS NULL) OR (parent IS NULL AND dataset IS NOT NULL))
);
CREATE INDEX task_input_parent ON task_input (parent);
CREATE INDEX task_input_dataset ON task_input (dataset);

-- At most 16 rows a task, one per service slot: two services never queue on one counter.
CREATE TABLE task_counter (
    task      bigint NOT NULL REFERENCES task,
    slot      int NOT NULL,
    active    bigint NOT NULL DEFAULT 0,
    done      bigint NOT NULL DEFAULT 0,
    aborted   bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    recovering bigint NOT NULL DEFAULT 0,
    events    bigint NOT NULL DEFAULT 0,    -- accepted, of the main stream
    lost      bigint NOT NULL DEFAULT 0,    -- expected of jobs given up
    PRIMARY KEY (task, slot)
) WITH (fillfactor = 50);

-- A range of job indexes waits, not rows. A lease takes from its front; a resubmission is a range of one.
CREATE TABLE waiting (
    task       bigint NOT NULL REFERENCES task,
    first      bigint NOT NULL CHECK (first >= 0),
    last       bigint NOT NULL,
    class      int NOT NULL REFERENCES class,
    priority   int NOT NULL,
    not_before timestamptz NOT NULL DEFAULT '-infinity',
    excluded   text[] NOT NULL DEFAULT '{}',            -- sites that may not have it
    excluded_nodes text[] NOT NULL DEFAULT '{}',        -- nodes that are not to run it, at whatever site
    due        boolean NOT NULL DEFAULT true,           -- not_before has passed
    held       boolean NOT NULL DEFAULT false,          -- its task or request is held or paused
    PRIMARY KEY (task, first),
    CHECK (last >= first),
    EXCLUDE USING gist (task WITH =, int8range(first, last, '[]') WITH &&)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX waiting_match ON waiting (class, priority DESC, task, first) WHERE due AND NOT held;
CREATE INDEX waiting_later ON waiting (not_before) WHERE NOT due;

-- Whether a range that begins at `first` may not be leased: its task is paused or has ended, its request held, or the task's scouts
-- are not done.
CREATE FUNCTION range_is_held(task_state text, request_state text, scouts int, first bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT task_state IN ('paused', 'done', 'failed', 'aborted') OR request_state = 'held' OR (task_state = 'scouting' AND first >= scouts)
$$;

-- The demand of one agent: room is absolute, leasing subtracts in the same transaction.
CREATE TABLE agent_session (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,       -- of the agent, through all its sessions
    site       text NOT NULL REFERENCES site,
    agent      text NOT NULL CHECK (agent ~ '^[A-Za-z0-9_-]{1,64}$'),
    session    uuid NOT NULL UNIQUE,
    sequence   bigint NOT NULL,           -- of the last work message applied
    reply_to   text NOT NULL,
    room       int NOT NULL CHECK (room >= 0),          -- free cores
    cores      int NOT NULL CHECK (cores > 0),          -- the most one job may use
    memory_mb  int NOT NULL CHECK (memory_mb > 0),      -- per core
    walltime_s int NOT NULL CHECK (walltime_s > 0),
    disk_mb    int NOT NULL CHECK (disk_mb >= 0),
    platform   text NOT NULL,
    tags       text[] NOT NULL,
    storage    text[] NOT NULL,           -- storage elements it can read
    state      text NOT NULL DEFAULT 'here' CHECK (state IN ('here', 'silent', 'gone')),
    last_seen  timestamptz NOT NULL,
    held_count bigint NOT NULL DEFAULT 0,
    held_hash  bigint NOT NULL DEFAULT 0,
    wants_list boolean NOT NULL DEFAULT false,
    started    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (site, agent)
) WITH (fillfactor = 50);
CREATE INDEX agent_session_room ON agent_session (id) WHERE room > 0 AND state = 'here';
-- Not by last_seen: a heartbeat would then change every index.
CREATE INDEX agent_session_here ON agent_session (site) WHERE state = 'here';
CREATE INDEX agent_session_away ON agent_session (id) WHERE state <> 'here';

-- Kills wished for and not yet acknowledged: repeated in every answer to a heartbeat.
CREATE TABLE kill_wish (
    task    bigint NOT NULL,
    index   bigint NOT NULL,
    attempt int NOT NULL,
    holder  int NOT NULL REFERENCES agent_session,
    reason  text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task, index, attempt)
);
CREATE INDEX kill_wish_holder ON kill_wish (holder);
