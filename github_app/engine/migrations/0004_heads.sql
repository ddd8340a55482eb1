-- A check names its commit, under whatever branch it is reported.
CREATE INDEX sessions_head ON sessions (repo_id, head_sha);
