-- What came in: deliveries of GitHub and events of our own, in order of arrival.
CREATE TABLE inbox (
    seq {serial},
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    body {bytes} NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    session_id TEXT,
    lane TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    received_at TEXT NOT NULL,
    not_before TEXT NOT NULL
);
CREATE INDEX inbox_state ON inbox (state, not_before, seq);
CREATE INDEX inbox_lane ON inbox (lane, state, seq);
CREATE INDEX inbox_session ON inbox (session_id, seq);

-- One row a session: its columns are for finding it, the document is the session.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    repo_id BIGINT NOT NULL,
    installation_id BIGINT NOT NULL,
    issue_number INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    branch TEXT NOT NULL,
    pull_number INTEGER,
    head_sha TEXT NOT NULL,
    status TEXT NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    ticked_at TEXT NOT NULL,
    UNIQUE (repo_id, issue_number, generation)
);
CREATE INDEX sessions_pull ON sessions (repo_id, pull_number);
CREATE INDEX sessions_branch ON sessions (repo_id, branch);
CREATE INDEX sessions_status ON sessions (status, ticked_at);

-- Why everything happened.
CREATE TABLE decisions (
    event_id TEXT PRIMARY KEY,
    event_kind TEXT NOT NULL,
    session_id TEXT,
    status_before TEXT NOT NULL,
    status_after TEXT NOT NULL,
    why TEXT NOT NULL,
    decided_at TEXT NOT NULL
);
CREATE INDEX decisions_session ON decisions (session_id, decided_at);

-- What was decided to be done, and whether it was.
CREATE TABLE effects (
    id TEXT PRIMARY KEY,
    event_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    session_id TEXT,
    kind TEXT NOT NULL,
    repo TEXT NOT NULL,
    document TEXT NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    decided_at TEXT NOT NULL,
    done_at TEXT
);
CREATE INDEX effects_event ON effects (event_id, position);
CREATE INDEX effects_session ON effects (session_id, decided_at);

-- The agent's turns, and their transcripts, step by step.
CREATE TABLE turns (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    cause TEXT NOT NULL,
    base_sha TEXT NOT NULL,
    task TEXT NOT NULL,
    snapshot_id TEXT,
    started_at TEXT NOT NULL,
    ended_at TEXT
);
CREATE INDEX turns_session ON turns (session_id, started_at);

CREATE TABLE steps (
    turn_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    role TEXT NOT NULL,
    document TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (turn_id, number)
);

-- Large values, by the SHA-256 of their content.
CREATE TABLE blobs (
    id TEXT PRIMARY KEY,
    content {bytes} NOT NULL,
    created_at TEXT NOT NULL
);
