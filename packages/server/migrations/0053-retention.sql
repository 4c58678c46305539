-- owner: privacy
-- Whose data legal holds keep from being erased, by the names under which purges find rows: there while the hold is open, no longer.
CREATE TABLE headgate.privacy_held (
  project_id text NOT NULL,
  hold_id text COLLATE "C" NOT NULL,
  -- Null: everybody of the project.
  subject text,
  until timestamptz NOT NULL,
  PRIMARY KEY (project_id, hold_id),
  FOREIGN KEY (project_id, hold_id) REFERENCES headgate.privacy_holds ON DELETE CASCADE
);
CREATE INDEX privacy_held_subject ON headgate.privacy_held (project_id, subject);
SELECT headgate.protect_tenant_table('headgate.privacy_held');

-- Whether a hold is open on somebody: what ends rows by their age leaves these alone. Runs as whoever asks, so row-level security holds.
CREATE FUNCTION headgate.is_held(project text, person text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  AS $$
  SELECT EXISTS (
    SELECT FROM headgate.privacy_held h
     WHERE h.project_id = project AND (h.subject IS NULL OR h.subject = person) AND h.until > now())
$$;
REVOKE EXECUTE ON FUNCTION headgate.is_held(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION headgate.is_held(text, text) TO headgate_runtime;

-- What ended because it was old enough, project by project: the signed evidence.
CREATE TABLE headgate.retention_records (
  project_id text NOT NULL,
  record_id text COLLATE "C" NOT NULL,
  started_at timestamptz NOT NULL,
  record text NOT NULL,
  signature bytea NOT NULL,
  PRIMARY KEY (project_id, record_id)
);
CREATE INDEX retention_records_id ON headgate.retention_records (record_id);
SELECT headgate.protect_tenant_table('headgate.retention_records');

CREATE INDEX memories_age ON headgate.memories (confirmed_at);
CREATE INDEX assets_age ON headgate.assets (updated_at, asset_id);
CREATE INDEX responses_age ON headgate.responses (created_at);
