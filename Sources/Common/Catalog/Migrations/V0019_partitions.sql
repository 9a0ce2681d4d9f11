-- The catalogue, part 19: what is archived leaves its partitions behind; of a range of tasks that has been archived whole they are dropped.

-- Whether the tasks from `low` on, a thousand of them, are all archived, and no more can come: there are later ones.
CREATE FUNCTION is_archived_range(low bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT (SELECT max(t.id) FROM task t) >= low + 1000
       AND (SELECT count(*) FROM task t WHERE t.id >= low AND t.id < low + 1000)
         = (SELECT count(*) FROM archived_task a WHERE a.task >= low AND a.task < low + 1000 AND a.state = 'archived')
$$;

-- Drops one partition of a range of tasks of which nothing is worked with any more. `restore_jobs` makes it again. Returns its name; NULL when
-- there is none, or when somebody works with the table for longer than we let others wait: the next visit tries again. One in a transaction:
-- each takes locks of all partitions of the tables that refer to it.
--
-- No row can be lost: every row of the other tables refers, directly or not, to one of `job`, whose partition goes last, and is looked at once
-- more when nobody else can reach it; and who makes partitions, to restore or for a new task, holds the same lock until its rows are written.
CREATE FUNCTION drop_partition() RETURNS text LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    parents constant text[] := ARRAY['merge_input', 'unit_input', 'accepted', 'winner', 'output', 'lease', 'attempt', 'job'];
    low     bigint;
    parent  text;
    used    boolean;
BEGIN
    SELECT p.low, p.parent INTO low, parent
    FROM (SELECT r.relname::text AS parent, substring(c.relname FROM '_p(\d+)$')::bigint AS low
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class r ON r.oid = i.inhparent
          WHERE i.inhparent IN (SELECT p::regclass FROM unnest(parents) p)) p
    WHERE p.low = (SELECT min(j.low) FROM (
        SELECT substring(c.relname FROM '_p(\d+)$')::bigint AS low
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'job'::regclass) j WHERE is_archived_range(j.low))
    ORDER BY array_position(parents, p.parent) LIMIT 1;
    IF low IS NULL OR NOT pg_try_advisory_xact_lock(7142, 1) THEN
        RETURN NULL;
    END IF;
    -- Another may have dropped it meanwhile, or restored one of its tasks.
    IF to_regclass(parent || '_p' || low) IS NULL OR NOT is_archived_range(low) THEN
        RETURN NULL;
    END IF;
    -- Without a lock on the parent: rows that are deleted and not yet vacuumed are passed by while nobody waits.
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', 'job_p' || low) INTO used;
    IF used THEN
        RAISE EXCEPTION 'tasks % to % are archived, and have jobs outside the archive: millrace doctor names them', low, low + 999;
    END IF;
    EXECUTE format('ALTER TABLE %I DETACH PARTITION %I', parent, parent || '_p' || low);
    IF parent = 'job' THEN
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', 'job_p' || low) INTO used;
        IF used THEN
            RAISE EXCEPTION 'jobs of tasks % to % were written while their partition was dropped', low, low + 999;
        END IF;
    END IF;
    EXECUTE format('DROP TABLE %I', parent || '_p' || low);
    RETURN parent || '_p' || low;
EXCEPTION WHEN lock_not_available THEN
    RETURN NULL;
END $$;
