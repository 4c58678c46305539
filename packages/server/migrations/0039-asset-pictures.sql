-- owner: assets
-- What an owner has under way, for the erasure of a person.
CREATE INDEX asset_uploads_owner ON headgate.asset_uploads (project_id, subject);

-- Small pictures of contents, sealed; they go with their content.
CREATE TABLE headgate.asset_thumbnails (
  project_id text NOT NULL,
  digest text NOT NULL,
  width integer NOT NULL,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, digest, width),
  FOREIGN KEY (project_id, digest) REFERENCES headgate.asset_blobs ON DELETE CASCADE
);
ALTER TABLE headgate.asset_thumbnails ALTER COLUMN sealed SET STORAGE EXTERNAL;
SELECT headgate.protect_tenant_table('headgate.asset_thumbnails');
