-- How often something happened that operators want to see grow or not, in all: flaky checks, runs that were run again.
CREATE TABLE tallies (
    name TEXT PRIMARY KEY,
    times BIGINT NOT NULL
);
