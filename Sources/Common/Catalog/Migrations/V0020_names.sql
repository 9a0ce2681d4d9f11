-- The catalogue, part 20: the names that jobs give their files, also those without a suffix: an output that a step writes as `rec` and
-- not as `rec.npz` is stored as /7/simulate/rec/0/12.5.1. What a job has just stored is nobody's to register.

CREATE FUNCTION is_jobs_name(lfn text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lfn ~ '^/[0-9]+/.*/[0-9]+\.[0-9]+\.[0-9]+(\.[^/]*)?$'
$$;

-- First what keeps everybody else away from the table.
ALTER TABLE registration DROP CONSTRAINT registration_not_a_jobs_name;

-- What was registered under such a name before and is no file yet (it waits, is being read, or was refused) must not become one: it goes,
-- with what was said of it. It was never in the books, on the storage element nothing changes, and a worker that reads it just now finds
-- that it is no longer its own. The log keeps its moves; who asks for it later finds it here.
INSERT INTO metadata_change (subject, change, detail, who)
SELECT 'dataset:' || d.name, 'removed',
       jsonb_build_object('registrations of jobs'' names', string_agg(r.lfn || ' at ' || r.storage, ', ' ORDER BY r.id)), me()
FROM registration r JOIN dataset d ON d.id = r.dataset WHERE r.state <> 'done' AND is_jobs_name(r.lfn) GROUP BY d.name ORDER BY d.name;
DELETE FROM registration_metadata m USING registration r WHERE r.id = m.registration AND r.state <> 'done' AND is_jobs_name(r.lfn);
DELETE FROM registration r WHERE r.state <> 'done' AND is_jobs_name(r.lfn);

-- What was verified is a file of the catalogue, and its row here is what keeps it from being deleted: it stays. No other comes to be one,
-- since a row begins as queued, whoever writes it.
ALTER TABLE registration ADD CONSTRAINT registration_not_a_jobs_name CHECK (state = 'done' OR NOT is_jobs_name(lfn));
