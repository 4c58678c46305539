-- owner: identity
-- Generations of the pepper under which API keys are hashed, each derived from the root key by a label of its own: the newest
-- hashes, those that are not retired are accepted too.
CREATE TABLE headgate.key_peppers (
  generation integer PRIMARY KEY CHECK (generation > 0),
  created_at timestamptz NOT NULL,
  retired_at timestamptz
);
INSERT INTO headgate.key_peppers (generation, created_at)
  SELECT 1, coalesce((SELECT min(created_at) FROM headgate.api_key_secrets), now());
REVOKE DELETE, TRUNCATE ON headgate.key_peppers FROM headgate_runtime;
CREATE INDEX api_key_secrets_pepper ON headgate.api_key_secrets (pepper_id, key_id);
