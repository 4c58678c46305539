-- owner: assets
-- What caches in front of the house must forget, until they have been told. A tag names an asset, or one version of it.
CREATE TABLE headgate.asset_purges (
  project_id text NOT NULL,
  tag text NOT NULL,
  tries integer NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, tag)
);
CREATE INDEX asset_purges_due ON headgate.asset_purges (due_at);
SELECT headgate.protect_tenant_table('headgate.asset_purges');
