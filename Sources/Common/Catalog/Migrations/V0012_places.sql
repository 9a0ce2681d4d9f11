-- The catalogue, part 12: who may have a job, and what a task's life cost.
--
-- An agent whose jobs all run on one node says so.
--
-- A site with a batch system is told which nodes to leave alone, and its agent chooses among the others. An agent that runs its jobs itself
-- has no other node: while that one is excluded, it gets no offer, and then probes only.
ALTER TABLE agent_session ADD COLUMN node text CHECK (node <> '');      -- null: it chooses among several, or has not said

-- Jobs that keep away from sites after failures there: whether somebody else can have them is looked at now and then.
CREATE INDEX waiting_excluded ON waiting (class, excluded) WHERE excluded <> '{}';

-- The hours of a task, without its minutes: what went well in all its life is asked before it is paused for what it lost.
CREATE INDEX ended_total_hours ON ended_total (task) WHERE grain = 'h';
