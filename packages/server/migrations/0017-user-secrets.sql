-- owner: people
-- Secrets under which backends sign users: derived from the pepper and this id, so that the table alone signs nothing. Two rows
-- are valid while a rotation overlaps.
CREATE TABLE headgate.user_secrets (
  secret_id text PRIMARY KEY CHECK (secret_id ~ '^[0-9a-f]{32}$'),
  project_id text NOT NULL REFERENCES headgate.projects,
  pepper_id text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz
);
CREATE INDEX user_secrets_project ON headgate.user_secrets (project_id);
SELECT headgate.protect_tenant_table('headgate.user_secrets');
