-- owner: people
-- Who vouches for the people that call: raised by every change, so that replicas ask for one number.
CREATE TABLE headgate.people_changes (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  revision bigint NOT NULL
);
INSERT INTO headgate.people_changes (revision) VALUES (0);
REVOKE INSERT, DELETE ON headgate.people_changes FROM headgate_runtime;

CREATE TABLE headgate.issuers (
  project_id text NOT NULL REFERENCES headgate.projects,
  name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
  issuer jsonb NOT NULL,
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, name)
);
SELECT headgate.protect_tenant_table('headgate.issuers');
