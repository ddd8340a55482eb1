-- What verifiers said of trees: that they passed, and what they said before a change. An id is the digest of repository,
-- tree, command and set-up.
CREATE TABLE verdicts (
    id TEXT PRIMARY KEY,
    document TEXT NOT NULL,
    at TEXT NOT NULL
);
