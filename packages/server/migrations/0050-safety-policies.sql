-- owner: safety
-- What is checked of the calls of a project, where an operator has said so: raised by every change, so that replicas ask for one number.
CREATE TABLE headgate.safety_changes (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  revision bigint NOT NULL
);
INSERT INTO headgate.safety_changes (revision) VALUES (0);
REVOKE INSERT, DELETE ON headgate.safety_changes FROM headgate_runtime;

CREATE TABLE headgate.safety_policies (
  project_id text PRIMARY KEY REFERENCES headgate.projects,
  policy text NOT NULL CHECK (policy IN ('off', 'main', 'demo')),
  changed_at timestamptz NOT NULL
);
SELECT headgate.protect_tenant_table('headgate.safety_policies');
