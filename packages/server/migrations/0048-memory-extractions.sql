-- owner: memories
-- What is to be learned from sessions. What comes of it are proposals among the memories.

CREATE TABLE headgate.memory_extractions (
  project_id text NOT NULL,
  extraction_id text COLLATE "C" NOT NULL,
  subject text NOT NULL,
  -- On whose account the model is called.
  key_id text NOT NULL,
  session_id text NOT NULL,
  scope text NOT NULL,
  state text NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'failed')),
  attempts integer NOT NULL DEFAULT 0,
  -- Until when whoever works on it has it; then another process takes it up.
  held_until timestamptz NOT NULL DEFAULT now(),
  proposed integer NOT NULL DEFAULT 0,
  known integer NOT NULL DEFAULT 0,
  -- Code of the error that ended it.
  fault text,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz,
  PRIMARY KEY (project_id, extraction_id)
);
CREATE INDEX memory_extractions_due ON headgate.memory_extractions (held_until) WHERE ended_at IS NULL;
CREATE INDEX memory_extractions_session ON headgate.memory_extractions (project_id, subject, session_id)
  WHERE ended_at IS NULL;
CREATE INDEX memory_extractions_ended ON headgate.memory_extractions (ended_at) WHERE ended_at IS NOT NULL;
SELECT headgate.protect_tenant_table('headgate.memory_extractions');

-- What a person did not want remembered, by a keyed digest, so that it is not proposed again.
CREATE TABLE headgate.memory_rejections (
  project_id text NOT NULL,
  subject text NOT NULL,
  digest bytea NOT NULL,
  rejected_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, subject, digest)
);
CREATE INDEX memory_rejections_age ON headgate.memory_rejections (rejected_at);
SELECT headgate.protect_tenant_table('headgate.memory_rejections');
