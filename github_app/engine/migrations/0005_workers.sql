-- Workers by name. Each life of one has its epoch: who finds another one here has lost its work.
-- `heartbeat_at` is in seconds since 1970 by the database's clock; 0 where a worker let go, or the kernel holds its name.
CREATE TABLE workers (
    name TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    heartbeat_at DOUBLE PRECISION NOT NULL,
    takeovers BIGINT NOT NULL DEFAULT 0
);
