-- owner: responses
-- Responses that are kept: read again, gone on from, or made in the background. What was asked and answered is sealed with a data
-- key of its project.
CREATE TABLE headgate.responses (
  project_id text NOT NULL,
  response_id text NOT NULL,
  -- Of the key and the person that may read it, as a digest.
  holder bytea NOT NULL,
  -- The person for whom was asked.
  subject text,
  -- The response before it in the conversation.
  previous_id text,
  -- The process that makes it; while it runs, it says so.
  turn text NOT NULL,
  -- Null once it has ended; in the past: its replica is gone.
  held_until timestamptz,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, response_id)
);
CREATE INDEX responses_expiry ON headgate.responses (expires_at);
CREATE INDEX responses_turn ON headgate.responses (turn) WHERE held_until IS NOT NULL;
SELECT headgate.protect_tenant_table('headgate.responses');
