-- owner: conversations
-- Sessions of people and projects. What is said and how a session is called is sealed with a data key of its project. The words that
-- search finds are not: they go with their message.

-- Whose sessions they are: a person of a project, or ('') the project itself. Its row is held by whoever changes something, so that
-- changes are numbered in the order in which they can be seen.
CREATE TABLE headgate.conversation_owners (
  project_id text NOT NULL,
  subject text NOT NULL,
  last_change bigint NOT NULL,
  -- Tombstones up to this change may be gone.
  forgotten_change bigint NOT NULL DEFAULT 0,
  sessions bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (project_id, subject)
);
SELECT headgate.protect_tenant_table('headgate.conversation_owners');

CREATE TABLE headgate.conversation_sessions (
  project_id text NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  subject text NOT NULL,
  -- The owner's number of its last change: its ETag, its place in lists and in what is synchronised.
  change bigint NOT NULL,
  pinned boolean NOT NULL,
  archived boolean NOT NULL,
  -- A keyed digest of the folder's name, to find it by.
  folder bytea,
  active_leaf text COLLATE "C",
  messages integer NOT NULL DEFAULT 0,
  bytes bigint NOT NULL,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, session_id)
);
CREATE UNIQUE INDEX conversation_sessions_changes ON headgate.conversation_sessions (project_id, subject, change);
CREATE INDEX conversation_sessions_shown ON headgate.conversation_sessions (project_id, subject, archived, change);
CREATE INDEX conversation_sessions_pinned ON headgate.conversation_sessions (project_id, subject, change) WHERE pinned;
CREATE INDEX conversation_sessions_folder ON headgate.conversation_sessions (project_id, subject, folder, change)
  WHERE folder IS NOT NULL;
SELECT headgate.protect_tenant_table('headgate.conversation_sessions');

CREATE TABLE headgate.conversation_messages (
  project_id text NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  parent_id text COLLATE "C",
  subject text NOT NULL,
  change bigint NOT NULL,
  role text NOT NULL,
  status text NOT NULL CHECK (status IN ('complete', 'in_progress', 'incomplete')),
  -- While it is being made: until when without another sign of the process that makes it.
  held_until timestamptz,
  tokens integer NOT NULL,
  bytes integer NOT NULL,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (project_id, session_id, message_id),
  FOREIGN KEY (project_id, session_id) REFERENCES headgate.conversation_sessions ON DELETE CASCADE,
  FOREIGN KEY (project_id, session_id, parent_id) REFERENCES headgate.conversation_messages ON DELETE CASCADE
);
ALTER TABLE headgate.conversation_messages ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX conversation_messages_changes ON headgate.conversation_messages (project_id, subject, change);
CREATE INDEX conversation_messages_children ON headgate.conversation_messages (project_id, session_id, parent_id);
CREATE INDEX conversation_messages_open ON headgate.conversation_messages (held_until) WHERE held_until IS NOT NULL;
SELECT headgate.protect_tenant_table('headgate.conversation_messages');

-- What stands for the beginning of a branch, up to and with a message, where all of it would be too long.
CREATE TABLE headgate.conversation_summaries (
  project_id text NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  tokens integer NOT NULL,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, session_id, message_id),
  FOREIGN KEY (project_id, session_id, message_id) REFERENCES headgate.conversation_messages ON DELETE CASCADE
);
SELECT headgate.protect_tenant_table('headgate.conversation_summaries');

-- The words of each message, and one that stands for its owner.
CREATE TABLE headgate.conversation_texts (
  project_id text NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  search tsvector NOT NULL,
  PRIMARY KEY (project_id, session_id, message_id),
  FOREIGN KEY (project_id, session_id, message_id) REFERENCES headgate.conversation_messages ON DELETE CASCADE
);
CREATE INDEX conversation_texts_words ON headgate.conversation_texts USING gin (search);
SELECT headgate.protect_tenant_table('headgate.conversation_texts');
-- PostgreSQL uses no index for a search below row security, because the operator is not marked leakproof; as a part of the policy
-- itself it does. So a row is seen by a transaction of its project that has said what it looks for, and by no other.
DROP POLICY tenant ON headgate.conversation_texts;
CREATE POLICY tenant ON headgate.conversation_texts FOR SELECT
  USING ((project_id = (SELECT headgate.scope()) OR (SELECT headgate.scope()) = '*')
    AND search @@ pg_catalog.current_setting('headgate.search', true)::tsquery);
CREATE POLICY tenant_adds ON headgate.conversation_texts FOR INSERT
  WITH CHECK (project_id = (SELECT headgate.scope()) OR (SELECT headgate.scope()) = '*');

-- What was deleted, for copies elsewhere.
CREATE TABLE headgate.conversation_tombstones (
  project_id text NOT NULL,
  subject text NOT NULL,
  change bigint NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  -- Absent: the session with all of its messages.
  message_id text COLLATE "C",
  deleted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (project_id, subject, change)
);
CREATE INDEX conversation_tombstones_age ON headgate.conversation_tombstones (deleted_at);
SELECT headgate.protect_tenant_table('headgate.conversation_tombstones');
