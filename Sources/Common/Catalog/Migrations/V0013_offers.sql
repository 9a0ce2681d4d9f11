-- The catalogue, part 13: offers that are on their way, and jobs that keep away from a node.
--
-- An agent counts its free cores without what it was offered and has not received: asked again meanwhile, the Scheduler would give it the
-- same cores twice. An offer says how much has been offered with it in all, the agent says up to where offers have come, and the difference
-- is not given again.
ALTER TABLE agent_session
    ADD COLUMN offered    bigint NOT NULL DEFAULT 0 CHECK (offered >= 0),    -- cores of all jobs offered in this session
    ADD COLUMN taken      bigint CHECK (taken >= 0),                         -- what was offered with the last offer that had come at the last question; null: not said
    ADD COLUMN queue      bigint,                                            -- the number of its reply queue in this session: what was on its way to another is gone
    ADD COLUMN offered_at timestamptz NOT NULL DEFAULT '-infinity';          -- when the last offer was made

-- Jobs that keep away from nodes after failures there, as waiting_excluded is for sites; and since when, for none is kept away for ever.
ALTER TABLE waiting ADD COLUMN since timestamptz NOT NULL DEFAULT now();
CREATE INDEX waiting_excluded_nodes ON waiting (class, excluded_nodes) WHERE excluded_nodes <> '{}';
