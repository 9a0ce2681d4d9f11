-- The catalogue, part 26: agents that keep their free cores for jobs that need more of them.
--
-- On an agent that is full of jobs of one core, jobs of many would wait for ever: each core that gets free is asked for at once. So the
-- Scheduler may give nothing to an agent until enough is free. All Schedulers have to know of it.
ALTER TABLE agent_session
    ADD COLUMN reserved_for int REFERENCES class,       -- its free cores are kept for jobs of this class; null: for nobody
    ADD COLUMN reserved_at  timestamptz,                -- since when
    ADD CHECK ((reserved_for IS NULL) = (reserved_at IS NULL));
CREATE INDEX agent_session_reserved ON agent_session (reserved_for) WHERE reserved_for IS NOT NULL;
