-- owner: backups
-- Backups that were made or are wanted, and what was looked at of them: by the schedule, and by operators. The first process of a machine does them, one after the other.

CREATE TABLE headgate.backup_jobs (
  id text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('run', 'verify')),
  -- Of a verification: which one; of a run: the one it made.
  backup text,
  state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
  stage text,
  done_bytes bigint NOT NULL DEFAULT 0,
  total_bytes bigint NOT NULL DEFAULT 0,
  code text,
  detail text,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  ended_at timestamptz
);
CREATE INDEX backup_jobs_by_creation ON headgate.backup_jobs (created_at DESC, id DESC);
-- One of a kind at a time, and one for each backup.
CREATE UNIQUE INDEX backup_jobs_open ON headgate.backup_jobs (kind, coalesce(backup, ''))
  WHERE state IN ('queued', 'running');
