-- The catalogue, part 15: the node on which a file was made, which outlives the archiving of the attempt that made it. What was made before has it
-- with its attempt only.
ALTER TABLE file ADD COLUMN node text;
CREATE OR REPLACE VIEW file_view AS
SELECT f.lfn, f.bytes, f.adler32, f.crc32c, f.events, f.task, f.index, f.attempt, f.software, f.site,
       ARRAY(SELECT p.lfn FROM file_parent fp JOIN file p ON p.id = fp.parent WHERE fp.file = f.id ORDER BY p.lfn) AS parents,
       ARRAY(SELECT r.storage FROM replica r WHERE r.file = f.id AND r.state = 'available' ORDER BY r.storage) AS replicas,
       f.created, f.lost, f.id AS file, f.node
FROM file f;
