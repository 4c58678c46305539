-- owner: idempotency
-- What `Idempotency-Key` named: one row per key of a caller and route. While the call runs, a replica holds the row; afterwards it
-- has the answer, sealed with a data key of its project, or none where the answer was too long to be kept.
CREATE TABLE headgate.idempotency_keys (
  -- `*` for calls of operators.
  project_id text NOT NULL,
  -- Who asked, which route, and the key, as a digest.
  lookup bytea NOT NULL,
  -- What was sent, as a digest under the pepper: it may be short enough to be guessed.
  fingerprint bytea NOT NULL,
  -- The person for whom was asked.
  subject text,
  -- The run that has the row.
  turn text NOT NULL,
  -- Null once the run has ended; in the past: its replica is gone.
  held_until timestamptz,
  sealed bytea,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, lookup)
);
CREATE INDEX idempotency_keys_expiry ON headgate.idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_turn ON headgate.idempotency_keys (turn) WHERE held_until IS NOT NULL;
SELECT headgate.protect_tenant_table('headgate.idempotency_keys');
