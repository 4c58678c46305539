-- owner: requests
-- Bodies of calls, for projects that have asked for it. Redacted before they are written, sealed with a data key of their
-- project, and dropped with their day.
CREATE TABLE headgate.request_bodies (
  id text NOT NULL,
  at timestamptz NOT NULL,
  project_id text NOT NULL,
  -- Sealed JSON: request, answer, how long they were, whether they were cut, and how much was redacted.
  sealed bytea NOT NULL,
  PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX request_bodies_by_id ON headgate.request_bodies (id);
REVOKE UPDATE, DELETE, TRUNCATE ON headgate.request_bodies FROM headgate_runtime;
SELECT headgate.protect_tenant_table('headgate.request_bodies');
SELECT headgate.ensure_daily_partitions('headgate.request_bodies', 3);
