-- The comments that sessions wrote, by their tags: a tick in one is known by the comment's number, whatever its text says.
CREATE TABLE comments (
    session_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    repo_id BIGINT NOT NULL,
    comment_id BIGINT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (session_id, tag)
);

CREATE INDEX comments_by_number ON comments (repo_id, comment_id);
