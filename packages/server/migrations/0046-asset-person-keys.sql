-- owner: assets
-- Whose data key seals an object; a content is stored once for each person who has it, under a name of its own. Absent: under its
-- digest, for the whole project, as all were before.
ALTER TABLE headgate.asset_chunks ADD COLUMN subject text NOT NULL DEFAULT '';
ALTER TABLE headgate.asset_versions ADD COLUMN blob text;
ALTER TABLE headgate.asset_versions DROP CONSTRAINT asset_versions_project_id_digest_fkey;
ALTER TABLE headgate.asset_versions ADD FOREIGN KEY (project_id, blob) REFERENCES headgate.asset_blobs (project_id, digest);
-- As it is looked for: an expression that may be used beside row-level security, which `coalesce` may not.
CREATE INDEX asset_versions_blob ON headgate.asset_versions (project_id, (CASE WHEN blob IS NULL THEN digest ELSE blob END));
