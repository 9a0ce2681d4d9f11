-- The catalogue, part 24: a copy takes the place of a replica that was declared bad, and a cancelled transfer can be taken up again.

-- What has the file's name at the destination was declared bad: the verified copy is put in its place. Never where a person registered the
-- name: what was there before us stays as it is.
ALTER TABLE transfer ADD COLUMN replaces boolean NOT NULL DEFAULT false;

-- Who condemned a replica stands at it until it is good again: what follows from it and is not done found other content under its name so
-- far, and was given up.
UPDATE transfer t SET replaces = true FROM replica r JOIN file f ON f.id = r.file
WHERE r.file = t.file AND r.storage = t.destination AND r.cause IS NOT NULL AND r.state IN ('bad', 'copying')
  AND t.state IN ('queued', 'failed') AND NOT f.lost
  AND NOT EXISTS (SELECT 1 FROM registration n WHERE n.lfn = f.lfn AND n.storage = t.destination);

INSERT INTO legal_transition (kind, from_state, to_state) VALUES ('transfer', 'cancelled', 'queued');
