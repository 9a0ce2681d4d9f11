-- The catalogue, part 10: the verdicts of one attempt are never looked for among all of its task.
--
-- While the table is small, a lookup by task, index and attempt costs as much through an index of (task, at) as through the key, and a session
-- keeps such a plan for some seconds: each failure was then compared with all of its task (the first run of `millrace bench reports` on a new
-- farm: 201 ms from a failed report to its verdict, 50 in the run behind it). The condition, which is always true, keeps that index from all
-- but those who name a task and no job: for these PostgreSQL knows the task and sees that the condition holds.
DROP INDEX verdict_task;
CREATE INDEX verdict_task ON verdict (task, at) WHERE task > 0;
