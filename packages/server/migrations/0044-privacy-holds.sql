-- owner: privacy
-- What must not be erased although somebody asks for it: of a person, or of a whole project, for a reason and until a day.
CREATE TABLE headgate.privacy_holds (
  project_id text NOT NULL,
  hold_id text COLLATE "C" NOT NULL,
  -- A keyed digest of the name, the same as that of erasures; null: everybody of the project.
  subject bytea,
  reason text NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  released_at timestamptz,
  PRIMARY KEY (project_id, hold_id)
);
CREATE INDEX privacy_holds_open ON headgate.privacy_holds (project_id, expires_at) WHERE released_at IS NULL;
SELECT headgate.protect_tenant_table('headgate.privacy_holds');
