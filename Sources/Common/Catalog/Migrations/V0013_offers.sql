-- The catalogue, part 13: offers that are on their way.
--
-- An agent counts its free cores without what it was offered and has not received: asked again meanwhile, the Scheduler would give it the
-- same cores twice. Both say what they know, and the difference is not given again.
ALTER TABLE agent_session
    ADD COLUMN offered    bigint NOT NULL DEFAULT 0 CHECK (offered >= 0),    -- cores of all jobs offered in this session
    ADD COLUMN taken      bigint CHECK (taken >= 0),                         -- of these, what had reached the agent when it asked last; null: it does not say
    ADD COLUMN offered_at timestamptz NOT NULL DEFAULT '-infinity';          -- what is older than a moment and has not arrived is lost
