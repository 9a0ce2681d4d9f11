-- The catalogue, part 25: what a derive task leaves out, because it is made already, is not deleted behind its back.

CREATE INDEX task_input_missing ON task_input (missing_in) WHERE missing_in IS NOT NULL;

-- The datasets whose files count as made in a dataset or container: itself, or those that it holds, and those out of which people filled one
-- of these.
CREATE FUNCTION counted_in(wanted text) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    WITH named AS MATERIALIZED (
        SELECT d.id FROM dataset d WHERE d.name = wanted
        UNION SELECT m.dataset FROM container c JOIN container_member m ON m.container = c.id WHERE c.name = wanted)
    SELECT n.id FROM named n UNION SELECT s.source FROM named n JOIN dataset_source s ON s.dataset = n.id
$$;

-- As in V0007, and for what an input of a derive task names: a dataset whose files are being deleted, or were, is not counted on, and a
-- container while the files of one of its datasets are being deleted. (Of one that was emptied nothing counts as made.)
CREATE OR REPLACE FUNCTION guard_cleaned_input() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE counted bigint[];
BEGIN
    counted := ARRAY(SELECT DISTINCT c.dataset FROM n CROSS JOIN LATERAL counted_in(n.missing_in) AS c(dataset) WHERE n.missing_in IS NOT NULL);
    -- All of them in the order of their numbers, before any is looked at.
    PERFORM 1 FROM dataset WHERE id IN (
        SELECT unnest(counted) UNION SELECT d.id FROM n JOIN dataset d ON d.name = n.dataset) ORDER BY id FOR SHARE;
    PERFORM refuse_cleaned(ARRAY(SELECT dataset FROM n WHERE dataset IS NOT NULL), 'read');
    PERFORM refuse_cleaned(ARRAY(
        SELECT missing_in FROM n WHERE missing_in IS NOT NULL
        UNION SELECT d.name FROM cleanup_part p JOIN dataset d ON d.id = p.dataset WHERE p.dataset = ANY (counted) AND p.state = 'open'),
        'counted as made');
    RETURN NULL;
END $$;
