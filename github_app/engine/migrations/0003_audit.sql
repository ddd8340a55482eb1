-- The record of what was done and on whose word: a chain of hashes for each session and each repository.
CREATE TABLE audit (
    chain TEXT NOT NULL,
    number INTEGER NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (chain, number)
);

-- Where each chain ends, sealed with a key that is not in the database.
CREATE TABLE audit_heads (
    chain TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL,
    seal TEXT NOT NULL
);

-- A guard against accidents; what shows tampering is the chain.
{refusal};
CREATE TRIGGER audit_not_changed BEFORE UPDATE ON audit {refuse};
CREATE TRIGGER audit_not_deleted BEFORE DELETE ON audit {refuse};
