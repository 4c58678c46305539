-- owner: files
-- Files of projects, in PostgreSQL so that every replica reads the same. What a file holds and its name are sealed with a data key
-- of its project, in pieces.
CREATE TABLE headgate.files (
  project_id text NOT NULL,
  file_id text NOT NULL,
  -- Whose quota it takes.
  key_id text NOT NULL,
  purpose text NOT NULL,
  name bytea NOT NULL,
  bytes bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  PRIMARY KEY (project_id, file_id)
);
CREATE INDEX files_key ON headgate.files (project_id, key_id);
CREATE INDEX files_expiry ON headgate.files (expires_at) WHERE expires_at IS NOT NULL;
SELECT headgate.protect_tenant_table('headgate.files');

CREATE TABLE headgate.file_pieces (
  project_id text NOT NULL,
  file_id text NOT NULL,
  piece integer NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (project_id, file_id, piece),
  FOREIGN KEY (project_id, file_id) REFERENCES headgate.files ON DELETE CASCADE
);
-- What is sealed cannot be pressed.
ALTER TABLE headgate.file_pieces ALTER COLUMN sealed SET STORAGE EXTERNAL;
SELECT headgate.protect_tenant_table('headgate.file_pieces');

CREATE TABLE headgate.batches (
  project_id text NOT NULL,
  batch_id text NOT NULL,
  key_id text NOT NULL,
  -- The person for whom it was asked.
  subject text,
  endpoint text NOT NULL,
  input_file_id text NOT NULL,
  completion_window text NOT NULL,
  metadata bytea,
  -- How long its files are kept.
  output_seconds integer NOT NULL,
  status text NOT NULL DEFAULT 'validating',
  -- Of an input that cannot be run: codes, lines and what is wrong; no content.
  errors jsonb,
  output_file_id text,
  error_file_id text,
  total integer NOT NULL DEFAULT 0,
  completed integer NOT NULL DEFAULT 0,
  failed integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  in_progress_at timestamptz,
  finalizing_at timestamptz,
  completed_at timestamptz,
  failed_at timestamptz,
  expired_at timestamptz,
  cancelling_at timestamptz,
  cancelled_at timestamptz,
  -- The run that works on it, and until when without another sign of it.
  held_by text,
  held_until timestamptz,
  PRIMARY KEY (project_id, batch_id)
);
CREATE INDEX batches_open ON headgate.batches (created_at)
  WHERE status IN ('validating', 'in_progress', 'finalizing', 'cancelling');
SELECT headgate.protect_tenant_table('headgate.batches');

-- Lines that were called. One without an answer whose run is gone is not called again: it may have been charged.
CREATE TABLE headgate.batch_lines (
  project_id text NOT NULL,
  batch_id text NOT NULL,
  line integer NOT NULL,
  succeeded boolean,
  sealed bytea,
  PRIMARY KEY (project_id, batch_id, line),
  FOREIGN KEY (project_id, batch_id) REFERENCES headgate.batches ON DELETE CASCADE
);
ALTER TABLE headgate.batch_lines ALTER COLUMN sealed SET STORAGE EXTERNAL;
SELECT headgate.protect_tenant_table('headgate.batch_lines');
