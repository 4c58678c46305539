-- owner: privacy
-- What people agreed to and withdrew. Entries are added and never changed; they go with their person alone.
CREATE TABLE headgate.consents (
  project_id text NOT NULL,
  consent_id text COLLATE "C" NOT NULL,
  subject text NOT NULL,
  purpose text NOT NULL,
  decision text NOT NULL CHECK (decision IN ('granted', 'withdrawn')),
  -- Which wording was seen.
  policy_version text,
  source text NOT NULL CHECK (source IN ('person', 'operator', 'gpc')),
  noted_by text NOT NULL,
  given_at timestamptz NOT NULL,
  noted_at timestamptz NOT NULL DEFAULT now(),
  -- What shows it, under the key of the person.
  sealed bytea,
  PRIMARY KEY (project_id, consent_id)
);
CREATE INDEX consents_state ON headgate.consents (project_id, subject, purpose, given_at DESC, consent_id DESC);
SELECT headgate.protect_tenant_table('headgate.consents');
REVOKE UPDATE, TRUNCATE ON headgate.consents FROM headgate_runtime;
