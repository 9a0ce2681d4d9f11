-- The catalogue, part 9: who waits for whom. Nobody waits for a counter, and no verdict for those beside it.
--
-- Sums that many add to are at most 16 rows each, one a slot. A slot belonged to a session, by its process number: two sessions whose
-- numbers differ by a multiple of 16 shared one, waited for each other, and when the one counted leases before jobs and the other jobs
-- before leases, blocked each other until the server ended one of them (a second each time: `millrace bench reports`). Now a slot
-- belongs to one transaction at a time, from its first count to its end.
CREATE OR REPLACE FUNCTION counter_slot() RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    kept  constant text := current_setting('millrace.slot', true);
    first constant int := pg_backend_pid() % 16;
    slot  int;
BEGIN
    IF kept <> '' THEN RETURN kept; END IF;
    FOR step IN 0 .. 15 LOOP
        slot := (first + step) % 16;
        EXIT WHEN pg_try_advisory_xact_lock(7144, slot);
        -- More than 16 count at this moment: two share one.
        IF step = 15 THEN slot := first; END IF;
    END LOOP;
    PERFORM set_config('millrace.slot', slot::text, true);
    RETURN slot;
END $$;

-- Verdicts that nobody has carried out are looked up by attempt: by age, each of a batch was looked for among all that were open.
DROP INDEX verdict_open;
CREATE INDEX verdict_open ON verdict (task, index, attempt) WHERE carried_out_at IS NULL;
