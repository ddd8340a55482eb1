-- What people said and we decided on, by where it stands: whatever brings it a second time brings nothing new.
CREATE TABLE heard (
    repo_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    number BIGINT NOT NULL,
    event_id TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (repo_id, kind, number)
);

-- How far each repository was looked through, by GitHub's clock. Repository 0 stands for all of them: when that was
-- done last, by our clock, and until when somebody is at it.
CREATE TABLE looks (
    repo_id BIGINT PRIMARY KEY,
    begins_at TEXT NOT NULL,
    issues_at TEXT NOT NULL,
    comments_at TEXT NOT NULL,
    looked_at TEXT NOT NULL,
    held_until TEXT NOT NULL
);
