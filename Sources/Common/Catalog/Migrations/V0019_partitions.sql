-- The catalogue, part 19: what is archived leaves its partitions behind; of a range of tasks that has been archived whole they are dropped.

-- Drops the partitions of the first range of tasks of which nothing is worked with any more: all its tasks are archived, and there are
-- later ones, so that none comes after them. `restore_jobs` makes them again. Returns the first task of the range; NULL when there is none,
-- or when somebody works with the tables for longer than we let others wait: the next visit tries again.
--
-- No row can be lost: every row of the other tables refers, directly or not, to one of `job`, whose partition is looked at once more when
-- nobody else can reach it; and who makes partitions, to restore or for a new task, holds the same lock until its rows are written.
CREATE FUNCTION drop_partitions() RETURNS bigint LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    width  constant bigint := 1000;
    low    bigint;
    parent text;
    used   boolean;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7142, 1) THEN
        RETURN NULL;
    END IF;
    SELECT p.low INTO low
    FROM (SELECT substring(c.relname FROM '_p(\d+)$')::bigint AS low
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'job'::regclass) p
    WHERE EXISTS (SELECT 1 FROM task t WHERE t.id >= p.low + width)
      AND NOT EXISTS (SELECT 1 FROM task t WHERE t.id >= p.low AND t.id < p.low + width
                      AND NOT EXISTS (SELECT 1 FROM archived_task a WHERE a.task = t.id AND a.state = 'archived'))
    ORDER BY p.low LIMIT 1;
    IF low IS NULL THEN
        RETURN NULL;
    END IF;
    -- Read first without a lock on the parent: rows that are deleted and not yet vacuumed are passed by while nobody waits.
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', 'job_p' || low) INTO used;
    IF used THEN
        RAISE EXCEPTION 'tasks % to % are archived, and have jobs outside the archive: millrace doctor names them', low, low + width - 1;
    END IF;
    -- What refers to others goes before them.
    FOREACH parent IN ARRAY ARRAY['merge_input', 'unit_input', 'accepted', 'winner', 'output', 'lease', 'attempt', 'job'] LOOP
        EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, parent || '_p' || low);
        IF parent = 'job' THEN
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', 'job_p' || low) INTO used;
            IF used THEN
                RAISE EXCEPTION 'jobs of tasks % to % were written while their partitions were dropped', low, low + width - 1;
            END IF;
        END IF;
        EXECUTE format('DROP TABLE %I', parent || '_p' || low);
    END LOOP;
    RETURN low;
EXCEPTION WHEN lock_not_available THEN
    RETURN NULL;
END $$;
