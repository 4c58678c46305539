-- owner: audit
-- The last number given. Its row lock makes the numbering gapless: a number is only kept with its entry's transaction.
CREATE TABLE headgate.audit_head (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  seq bigint NOT NULL
);
INSERT INTO headgate.audit_head (seq) VALUES (0);
REVOKE INSERT, DELETE ON headgate.audit_head FROM headgate_runtime;

-- Append-only: the running server may add and read, nothing else. project_id is '*' where an entry belongs to no project;
-- only the house's own scope sees those.
CREATE TABLE headgate.audit_entries (
  seq bigint PRIMARY KEY CHECK (seq > 0),
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  resource text NOT NULL,
  project_id text NOT NULL,
  before jsonb,
  after jsonb,
  request_id text,
  reason text
);
CREATE INDEX audit_entries_project ON headgate.audit_entries (project_id, seq);
SELECT headgate.protect_tenant_table('headgate.audit_entries');
REVOKE UPDATE, DELETE ON headgate.audit_entries FROM headgate_runtime;
