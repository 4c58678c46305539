-- owner: requests
-- What the safety checks said of a request: names, decisions and scores, never what they read.
ALTER TABLE headgate.requests ADD COLUMN verdicts jsonb NOT NULL DEFAULT '[]';
