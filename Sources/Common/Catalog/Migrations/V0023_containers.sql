-- The catalogue, part 23: a container counts a file once, however many of its datasets hold it.

-- What the sums of the datasets of a container count too often. Datasets of tasks have no file in common; those of people may hold what
-- another one holds: such a file counts where a task put it, or else in the oldest of them. Every step goes by key, whatever the planner
-- thinks of the sizes: each file of people's datasets is looked up once.
CREATE FUNCTION counted_twice(of bigint) RETURNS TABLE (files bigint, bytes bigint, events bigint)
LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    RETURN QUERY
    SELECT count(*), coalesce(sum(f.bytes), 0)::bigint, coalesce(sum(f.events), 0)::bigint
    FROM (SELECT d.id FROM container_member m JOIN dataset d ON d.id = m.dataset WHERE m.container = of AND d.task IS NULL OFFSET 0) d
    CROSS JOIN LATERAL (
        SELECT x.file FROM dataset_file x
        WHERE x.dataset = d.id AND (SELECT EXISTS (
            SELECT 1 FROM (SELECT w.dataset FROM dataset_file w WHERE w.file = x.file OFFSET 0) w
            WHERE w.dataset <> d.id
              AND (SELECT EXISTS (SELECT 1 FROM container_member m WHERE m.container = of AND m.dataset = w.dataset))
              AND (w.dataset < d.id OR (SELECT o.task IS NOT NULL FROM dataset o WHERE o.id = w.dataset))))
        OFFSET 0) x
    CROSS JOIN LATERAL (SELECT f.bytes, f.events FROM file f WHERE f.id = x.file OFFSET 0) f;
END $$;

CREATE OR REPLACE VIEW container_view AS
SELECT c.name AS container, c.state, c.owner, n.datasets, k.files - coalesce(t.files, 0) AS files,
       k.bytes - coalesce(t.bytes, 0) AS bytes, k.events - coalesce(t.events, 0) AS events, c.created, c.closed
FROM container c
CROSS JOIN LATERAL (
    SELECT count(*) AS datasets, count(*) > 1 AND bool_or(d.task IS NULL) AS is_shared
    FROM container_member m JOIN dataset d ON d.id = m.dataset WHERE m.container = c.id) n
CROSS JOIN LATERAL (
    SELECT coalesce(sum(k.files), 0)::bigint AS files, coalesce(sum(k.bytes), 0)::bigint AS bytes,
           coalesce(sum(k.events), 0)::bigint AS events
    FROM container_member m JOIN dataset_counter k ON k.dataset = m.dataset WHERE m.container = c.id) k
-- A function that is given NULL is not called.
LEFT JOIN LATERAL counted_twice(CASE WHEN n.is_shared THEN c.id END) t ON true;
