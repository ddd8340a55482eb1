-- Chats: whose GitHub account a person there is, what a thread is about, where a channel's requests go, and which of our
-- messages is which.
CREATE TABLE chat_links (
    team TEXT NOT NULL,
    person TEXT NOT NULL,
    actor_id BIGINT NOT NULL,
    login TEXT NOT NULL,
    linked_at TEXT NOT NULL,
    PRIMARY KEY (team, person)
);

CREATE TABLE chat_invitations (
    nonce TEXT PRIMARY KEY,
    at TEXT NOT NULL
);

CREATE TABLE chat_threads (
    team TEXT NOT NULL,
    channel TEXT NOT NULL,
    thread TEXT NOT NULL,
    is_direct BIGINT NOT NULL DEFAULT 0,
    repo_id BIGINT,
    issue_number BIGINT,
    repo TEXT NOT NULL DEFAULT '',
    waiting TEXT NOT NULL DEFAULT '',
    context TEXT NOT NULL DEFAULT '[]',
    at TEXT NOT NULL,
    PRIMARY KEY (team, channel, thread)
);

CREATE INDEX chat_threads_of_issue ON chat_threads (repo_id, issue_number);

CREATE TABLE chat_channels (
    team TEXT NOT NULL,
    channel TEXT NOT NULL,
    repo TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (team, channel)
);

CREATE TABLE chat_messages (
    team TEXT NOT NULL,
    channel TEXT NOT NULL,
    thread TEXT NOT NULL,
    tag TEXT NOT NULL,
    message TEXT NOT NULL DEFAULT '',
    version BIGINT NOT NULL DEFAULT 0,
    at TEXT NOT NULL,
    PRIMARY KEY (team, channel, thread, tag)
);
