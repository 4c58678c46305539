-- owner: kernel
-- Envelope encryption (kernel/seal.ts): the root key, which is never here, opens encryption keys; these open data keys; a
-- data key seals the columns of one project and purpose.
CREATE TABLE headgate.encryption_keys (
  version integer PRIMARY KEY CHECK (version > 0),
  -- Says which root key opens it, without saying anything about that key.
  root_id text NOT NULL,
  wrapped bytea,
  created_at timestamptz NOT NULL,
  destroyed_at timestamptz,
  CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
REVOKE DELETE ON headgate.encryption_keys FROM headgate_runtime;

-- project_id is '*' where the house itself seals.
CREATE TABLE headgate.data_keys (
  project_id text NOT NULL,
  purpose text NOT NULL CHECK (purpose ~ '^[a-z][a-z0-9-]{0,62}$'),
  version integer NOT NULL CHECK (version > 0),
  key_version integer NOT NULL REFERENCES headgate.encryption_keys (version),
  wrapped bytea NOT NULL,
  -- How often it has sealed: with random nonces a key is replaced long before 2^32.
  uses bigint NOT NULL DEFAULT 0 CHECK (uses >= 0),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, purpose, version)
);
CREATE INDEX data_keys_by_key_version ON headgate.data_keys (key_version);
SELECT headgate.protect_tenant_table('headgate.data_keys');
