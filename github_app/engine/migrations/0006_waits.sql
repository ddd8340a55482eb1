-- What a session waits for, or has waited for: the last wait from when to when, and how long all before it were.
CREATE TABLE waits (
    session_id TEXT PRIMARY KEY,
    whose TEXT NOT NULL,
    since TEXT NOT NULL,
    until TEXT NOT NULL,
    waited_s DOUBLE PRECISION NOT NULL
);

-- How often each effect was tried: one that waits does not make the next one wait longer.
ALTER TABLE effects ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
