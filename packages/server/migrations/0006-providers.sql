-- owner: providers
-- Raised in the transaction of each change, so that replicas ask for nothing else while it stands.
CREATE TABLE headgate.provider_changes (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  revision bigint NOT NULL
);
INSERT INTO headgate.provider_changes (revision) VALUES (0);
REVOKE INSERT, DELETE ON headgate.provider_changes FROM headgate_runtime;

-- Providers that operators added while Headgate ran. What is told to a provider in confidence is sealed (kernel/seal.ts).
CREATE TABLE headgate.providers (
  name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
  kind text NOT NULL,
  base_url text,
  stream_usage boolean NOT NULL,
  api_key bytea,
  -- The last four characters of a long enough key: which key it is, to who has it.
  api_key_hint text CHECK (length(api_key_hint) <= 4),
  headers bytea,
  header_names text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  revision bigint NOT NULL
);
