-- The catalogue, part 14: who reads a file, in any task, and which jobs lost one. Asked when a file is lost, when a job is to be made again
-- whose outputs were taken, and when another version of a request goes on with what is left.
CREATE INDEX unit_input_file ON unit_input (file);
CREATE INDEX file_lost_job ON file (task, index) WHERE lost;
