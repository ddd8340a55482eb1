-- Whose turn to look it is: which life of which worker. Of one that is over, the next one need not wait for the end.
ALTER TABLE looks ADD COLUMN held_by TEXT NOT NULL DEFAULT '';
