-- Every turn that was started, from the moment of the decision: who asked for it, where, and what it has cost so far.
-- `number` counts an installation's turns where a quota is looked at: two decisions cannot both be the next.
CREATE TABLE starts (
    turn_id TEXT PRIMARY KEY,
    repo_id BIGINT NOT NULL,
    installation_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    number BIGINT,
    cost_micro_usd BIGINT NOT NULL DEFAULT 0,
    at TEXT NOT NULL,
    UNIQUE (installation_id, number)
);
CREATE INDEX starts_person ON starts (person_id, at);
CREATE INDEX starts_repo ON starts (repo_id, at);
CREATE INDEX starts_installation ON starts (installation_id, at);

-- For whom a session holds a pull request open, or is about to.
ALTER TABLE sessions ADD COLUMN person_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN holds_pull INTEGER NOT NULL DEFAULT 0;
UPDATE sessions SET holds_pull = 1 WHERE pull_number IS NOT NULL AND status NOT IN ('merged', 'closed');
CREATE INDEX sessions_person ON sessions (person_id, holds_pull);
CREATE INDEX sessions_repo ON sessions (repo_id, holds_pull);
CREATE INDEX sessions_installation ON sessions (installation_id, holds_pull);

-- What somebody was told in a repository, so that who asks five hundred times gets one answer.
CREATE TABLE refusals (
    repo_id BIGINT NOT NULL,
    person_id BIGINT NOT NULL,
    about TEXT NOT NULL,
    said_at TEXT NOT NULL,
    PRIMARY KEY (repo_id, person_id, about)
);

-- What is paused: by people of a repository, or by the operator (repository 0: everything).
CREATE TABLE pauses (
    repo_id BIGINT NOT NULL,
    by_operator INTEGER NOT NULL,
    login TEXT NOT NULL,
    reason TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (repo_id, by_operator)
);
