-- The catalogue, part 14: who reads a file, in any task. Asked when a file is lost, and when a job is to be made again whose outputs were
-- taken.
CREATE INDEX unit_input_file ON unit_input (file);
