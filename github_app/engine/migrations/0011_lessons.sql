-- What reviewers corrected and somebody with write access agreed to keep, told to later turns of the same repository.
-- `words` is what a lesson is found by: SQLite indexes them anew for each search, as a repository has few.
CREATE TABLE lessons (
    id TEXT PRIMARY KEY,
    repo_id BIGINT NOT NULL,
    words TEXT NOT NULL,
    document TEXT NOT NULL,
    last_used_at TEXT NOT NULL,
    uses BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX lessons_of_repo ON lessons (repo_id);
