-- Whether a thread is about a pull request that is only read.
ALTER TABLE chat_threads ADD COLUMN is_pull INTEGER NOT NULL DEFAULT 0;
