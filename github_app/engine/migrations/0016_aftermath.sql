-- When a session whose merge is watched is looked at next; empty: never again.
ALTER TABLE sessions ADD COLUMN look_at TEXT NOT NULL DEFAULT '';

CREATE INDEX sessions_looked_at ON sessions (look_at) WHERE look_at <> '';
