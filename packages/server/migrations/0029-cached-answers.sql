-- owner: cache
-- Answers that are given again to the same request, where they are kept in PostgreSQL. While one is made, a replica holds the row.
CREATE TABLE headgate.cached_answers (
  project_id text NOT NULL,
  -- Who asked, and everything that decides the answer, as a digest under the pepper.
  lookup text NOT NULL,
  key_id text NOT NULL,
  -- A digest of the person for whom was asked; '' where nobody was named.
  subject text NOT NULL,
  turn text,
  -- In the past: the replica that makes it is gone.
  held_until timestamptz,
  sealed bytea,
  expires_at timestamptz,
  PRIMARY KEY (project_id, lookup)
);
CREATE INDEX cached_answers_expiry ON headgate.cached_answers (expires_at);
SELECT headgate.protect_tenant_table('headgate.cached_answers');

-- What operators had forgotten, for the processes that keep answers in their own memory. Null: does not matter.
CREATE TABLE headgate.cache_purges (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT now(),
  project text,
  key_id text,
  subject text
);
