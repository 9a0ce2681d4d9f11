-- The catalogue, part 18: what became of the attempts of a batch submission is counted once for each that is shown, and in the partition
-- of its task: the columns are those of V0004.
CREATE OR REPLACE VIEW submission_view AS
SELECT s.id AS submission, t.request, s.task, s.site, s.agent, s.name AS batch, s.attempts, s.input_files,
       c.live, c.done, c.failed, s.at
FROM batch_submission s JOIN task t ON t.id = s.task
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.state IS NULL) AS live, count(*) FILTER (WHERE a.state = 'done') AS done,
           count(*) FILTER (WHERE a.state IN ('failed', 'lost', 'cancelled')) AS failed
    FROM attempt a WHERE a.task = s.task AND a.submission = s.id OFFSET 0) c;
