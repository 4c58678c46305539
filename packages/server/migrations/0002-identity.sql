-- owner: identity
-- One counter for everything that replicas cache of identity. It is raised in the transaction of each change, so its row
-- lock makes numbers and commits come in one order: whoever has seen n has seen every change up to n.
CREATE TABLE headgate.identity_changes (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  revision bigint NOT NULL
);
INSERT INTO headgate.identity_changes (revision) VALUES (0);
REVOKE INSERT, DELETE ON headgate.identity_changes FROM headgate_runtime;

CREATE TABLE headgate.projects (
  project_id text PRIMARY KEY CHECK (project_id ~ '^[A-Za-z0-9_-]{1,128}$'),
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  name text NOT NULL,
  created_at timestamptz NOT NULL
);
INSERT INTO headgate.projects (project_id, name, created_at) VALUES ('default', 'Default', now());
SELECT headgate.protect_tenant_table('headgate.projects');

-- States: NIST SP 800-57 Part 1, section 7.
CREATE TABLE headgate.api_keys (
  key_id text PRIMARY KEY CHECK (key_id ~ '^[0-9A-Za-z]{12}$'),
  position bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  project_id text NOT NULL REFERENCES headgate.projects,
  kind text NOT NULL CHECK (kind IN ('secret', 'publishable')),
  name text NOT NULL,
  tier text NOT NULL,
  models text[],
  origins text[] NOT NULL DEFAULT '{}' CHECK (kind = 'secret' OR cardinality(origins) > 0),
  state text NOT NULL
    CHECK (state IN ('pre-activation', 'active', 'suspended', 'deactivated', 'compromised', 'destroyed')),
  budget_id text,
  expires_at timestamptz,
  created_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  -- To the hour: enough to find unused keys, cheap enough to keep.
  last_used_at timestamptz,
  revision bigint NOT NULL
);
CREATE INDEX api_keys_revision ON headgate.api_keys (revision);
CREATE INDEX api_keys_project ON headgate.api_keys (project_id, position);
SELECT headgate.protect_tenant_table('headgate.api_keys');

-- HMAC-SHA-256 of the whole key under the pepper named beside it. Two rows are valid while a rotation overlaps.
CREATE TABLE headgate.api_key_secrets (
  secret_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key_id text NOT NULL REFERENCES headgate.api_keys,
  project_id text NOT NULL,
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  pepper_id text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz
);
CREATE INDEX api_key_secrets_key ON headgate.api_key_secrets (key_id);
SELECT headgate.protect_tenant_table('headgate.api_key_secrets');

-- The operator's key where the configuration gives none: made on the first start, replaced by `headgate admin reset-key`.
CREATE TABLE headgate.admin_keys (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  pepper_id text NOT NULL,
  created_at timestamptz NOT NULL,
  revision bigint NOT NULL
);
