-- owner: provenance
-- Who made what left here, so that a copy can be traced back: digests of outputs, never the outputs.
CREATE TABLE headgate.origins (
  project_id text NOT NULL,
  -- The request that made it, and which of its outputs it is.
  request_id text NOT NULL,
  position smallint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('text', 'image', 'audio')),
  sha256 bytea NOT NULL CHECK (length(sha256) = 32),
  model text NOT NULL,
  provider text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, request_id, position)
);
CREATE INDEX origins_digest ON headgate.origins (project_id, sha256);
CREATE INDEX origins_age ON headgate.origins (created_at);
SELECT headgate.protect_tenant_table('headgate.origins');
REVOKE UPDATE ON headgate.origins FROM headgate_runtime;
