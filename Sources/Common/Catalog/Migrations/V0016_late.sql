-- The catalogue, part 16: manifests that come too late.
--
-- An attempt that was given up may have gone on, and its agent brings a manifest when another attempt has the job or has done it. Its files are
-- deleted. How the attempt ended is not touched, nor is there a second verdict on it; but that it came back is told.
ALTER TABLE attempt
    ADD COLUMN late_code       int,                 -- why the manifest was refused
    ADD COLUMN late_diagnostic text,
    ADD COLUMN late_at         timestamptz,
    ADD CONSTRAINT attempt_late CHECK (
        late_code IS NULL AND late_diagnostic IS NULL AND late_at IS NULL
        OR late_code IS NOT NULL AND late_diagnostic IS NOT NULL AND late_at IS NOT NULL
           AND state IS NOT NULL AND state <> 'done');
-- Nothing is paid for attempts that never came back.
CREATE INDEX attempt_late ON attempt (late_code, task, index, attempt) WHERE late_code IS NOT NULL;

CREATE OR REPLACE VIEW attempt_view AS
SELECT a.task, a.index, a.attempt, a.site, a.agent, a.node, a.batch_id, coalesce(a.state, l.state, 'leased') AS state,
       a.leased_at, a.started_at, a.ended_at, a.cpu_seconds, a.wall_seconds, a.memory_peak, a.code, a.blame,
       a.diagnostic, coalesce(a.step, l.step) AS step, a.events_expected, a.events_read, a.state AS final_state,
       a.late_code, a.late_diagnostic, a.late_at
FROM attempt a LEFT JOIN lease l ON l.task = a.task AND l.index = a.index AND l.attempt = a.attempt;
