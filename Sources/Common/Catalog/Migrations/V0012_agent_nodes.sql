-- The catalogue, part 12: an agent whose jobs all run on one node says so.
--
-- A site with a batch system is told which nodes to leave alone, and its agent chooses among the others. An agent that runs its jobs itself
-- has no other node: while that one is excluded, it gets no offer, and then probes only.
ALTER TABLE agent_session ADD COLUMN node text CHECK (node <> '');      -- null: it chooses among several, or has not said
