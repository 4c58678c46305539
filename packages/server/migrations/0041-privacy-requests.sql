-- owner: privacy
-- What people ask for: their data, or that it goes. The record of a request stays; whom it was for stands in it only as a digest once
-- it is answered and its archive is gone.
CREATE TABLE headgate.privacy_requests (
  project_id text NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  -- A keyed digest of the name, the same as that of erasures.
  subject bytea NOT NULL,
  -- The name, while the request is under way.
  sealed bytea,
  kind text NOT NULL CHECK (kind IN ('access', 'portability', 'erasure')),
  law text NOT NULL CHECK (law IN ('gdpr', 'ccpa')),
  -- How the asker calls it.
  asker_id text,
  state text NOT NULL CHECK (state IN ('pending', 'in_progress', 'completed', 'cancelled', 'failed')),
  requested_by text NOT NULL,
  received_at timestamptz NOT NULL,
  target_at timestamptz NOT NULL,
  confirm_at timestamptz,
  due_at timestamptz NOT NULL,
  extended_at timestamptz,
  completed_at timestamptz,
  erasure_id text,
  -- Who makes the archive, and until when without another sign of it; when it is tried again.
  turn text,
  next_at timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  -- The archive, while it is there.
  archive_bytes bigint,
  archive_sha256 text,
  archive_until timestamptz,
  PRIMARY KEY (project_id, request_id)
);
CREATE UNIQUE INDEX privacy_requests_open ON headgate.privacy_requests (project_id, subject, kind)
  WHERE state IN ('pending', 'in_progress');
CREATE INDEX privacy_requests_subject ON headgate.privacy_requests (project_id, subject, request_id);
CREATE INDEX privacy_requests_next ON headgate.privacy_requests (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX privacy_requests_archives ON headgate.privacy_requests (archive_until) WHERE archive_until IS NOT NULL;
CREATE INDEX privacy_requests_due ON headgate.privacy_requests (due_at) WHERE state IN ('pending', 'in_progress', 'failed');
SELECT headgate.protect_tenant_table('headgate.privacy_requests');

-- The objects of an archive, sealed. A row is there before its object, so that a crash leaves none behind.
CREATE TABLE headgate.privacy_archive_pieces (
  project_id text NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  turn text NOT NULL,
  position integer NOT NULL,
  object text NOT NULL,
  bytes integer NOT NULL,
  PRIMARY KEY (project_id, request_id, turn, position)
);
SELECT headgate.protect_tenant_table('headgate.privacy_archive_pieces');
