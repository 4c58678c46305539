-- owner: assets
-- Assets of people: versions of content that is stored once for each project. The content itself is cut into objects of a store
-- (a folder, or S3), sealed with a data key of the project; here is what they are called and in which order they stand.

-- What an owner takes of its quota: every version, and the whole announced length of every upload that has not ended.
CREATE TABLE headgate.asset_owners (
  project_id text NOT NULL,
  -- The person; empty where a key asks for itself.
  subject text NOT NULL,
  bytes bigint NOT NULL CHECK (bytes >= 0),
  PRIMARY KEY (project_id, subject)
);
SELECT headgate.protect_tenant_table('headgate.asset_owners');

CREATE TABLE headgate.assets (
  project_id text NOT NULL,
  asset_id text NOT NULL,
  subject text NOT NULL,
  -- Name and metadata, sealed.
  details bytea NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, asset_id)
);
CREATE INDEX assets_owner ON headgate.assets (project_id, subject, asset_id);
SELECT headgate.protect_tenant_table('headgate.assets');

-- Content by its SHA-256. A row is locked by whoever gives it another version or takes one away.
CREATE TABLE headgate.asset_blobs (
  project_id text NOT NULL,
  digest text NOT NULL,
  bytes bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, digest)
);
SELECT headgate.protect_tenant_table('headgate.asset_blobs');

CREATE TABLE headgate.asset_versions (
  project_id text NOT NULL,
  asset_id text NOT NULL,
  version integer NOT NULL,
  digest text NOT NULL,
  bytes bigint NOT NULL,
  -- As the content shows, whatever was claimed.
  type text NOT NULL,
  -- Of a text.
  charset text,
  was_scanned boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, asset_id, version),
  FOREIGN KEY (project_id, asset_id) REFERENCES headgate.assets ON DELETE CASCADE,
  FOREIGN KEY (project_id, digest) REFERENCES headgate.asset_blobs
);
CREATE INDEX asset_versions_digest ON headgate.asset_versions (project_id, digest);
SELECT headgate.protect_tenant_table('headgate.asset_versions');

CREATE TABLE headgate.asset_uploads (
  project_id text NOT NULL,
  upload_id text NOT NULL,
  subject text NOT NULL,
  -- The asset it becomes, or of which it becomes another version.
  asset_id text NOT NULL,
  is_new boolean NOT NULL,
  -- `partial`: it becomes part of a `final` one.
  role text NOT NULL CHECK (role IN ('whole', 'partial', 'final')),
  details bytea NOT NULL,
  length bigint NOT NULL CHECK (length >= 0),
  received bigint NOT NULL DEFAULT 0 CHECK (received <= length),
  chunks integer NOT NULL DEFAULT 0,
  -- The version it has become.
  version integer,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, upload_id)
);
CREATE INDEX asset_uploads_expiry ON headgate.asset_uploads (expires_at);
SELECT headgate.protect_tenant_table('headgate.asset_uploads');

-- The objects of an upload, or of a blob, whose digest then is the holder.
CREATE TABLE headgate.asset_chunks (
  project_id text NOT NULL,
  holder text NOT NULL,
  position integer NOT NULL,
  -- Name of the object: the SHA-256 of what is stored.
  object text NOT NULL,
  -- SHA-256 of what it holds, which the seal is bound to.
  digest text NOT NULL,
  bytes integer NOT NULL,
  PRIMARY KEY (project_id, holder, position)
);
SELECT headgate.protect_tenant_table('headgate.asset_chunks');

-- Objects that are to be erased. One that is being written stands here until an upload has it, so that a crash leaves none behind.
CREATE TABLE headgate.asset_doomed (
  project_id text NOT NULL,
  object text NOT NULL,
  due_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, object)
);
CREATE INDEX asset_doomed_due ON headgate.asset_doomed (due_at);
SELECT headgate.protect_tenant_table('headgate.asset_doomed');
