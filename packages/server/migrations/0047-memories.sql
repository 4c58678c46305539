-- owner: memories
-- What is remembered about people and projects. The text and its sources are sealed with a data key of their person; the words and
-- vectors that search finds are not, and go with their memory.

CREATE TABLE headgate.memories (
  project_id text NOT NULL,
  memory_id text COLLATE "C" NOT NULL,
  -- The person; empty where a key asks for itself.
  subject text NOT NULL,
  -- Proposed: nobody has said yet that it is to be remembered.
  state text NOT NULL CHECK (state IN ('proposed', 'kept')),
  version integer NOT NULL DEFAULT 1,
  kind text NOT NULL,
  scope text NOT NULL,
  confidence real NOT NULL,
  -- A keyed digest of the text in its simplest form, by which the same is found again.
  digest bytea NOT NULL,
  sealed bytea NOT NULL,
  search tsvector NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  confirmed_at timestamptz NOT NULL,
  expires_at timestamptz,
  PRIMARY KEY (project_id, memory_id)
);
CREATE INDEX memories_owner ON headgate.memories (project_id, subject, state, memory_id);
CREATE INDEX memories_same ON headgate.memories (project_id, subject, digest);
CREATE INDEX memories_expiry ON headgate.memories (expires_at) WHERE expires_at IS NOT NULL;
SELECT headgate.protect_tenant_table('headgate.memories');

-- What said so, to take back everything that it said.
CREATE TABLE headgate.memory_sources (
  project_id text NOT NULL,
  memory_id text COLLATE "C" NOT NULL,
  subject text NOT NULL,
  source_type text NOT NULL,
  -- A keyed digest of its id; of nothing where it has none.
  reference bytea NOT NULL,
  PRIMARY KEY (project_id, memory_id, source_type, reference),
  FOREIGN KEY (project_id, memory_id) REFERENCES headgate.memories ON DELETE CASCADE
);
CREATE INDEX memory_sources_type ON headgate.memory_sources (project_id, subject, source_type, reference);
SELECT headgate.protect_tenant_table('headgate.memory_sources');

-- Vectors of the texts: eight bits for each number of a vector of length one, and what they are to be multiplied by.
CREATE TABLE headgate.memory_vectors (
  project_id text NOT NULL,
  memory_id text COLLATE "C" NOT NULL,
  subject text NOT NULL,
  model text NOT NULL,
  scale real NOT NULL,
  vector bytea NOT NULL,
  PRIMARY KEY (project_id, memory_id),
  FOREIGN KEY (project_id, memory_id) REFERENCES headgate.memories ON DELETE CASCADE
);
ALTER TABLE headgate.memory_vectors ALTER COLUMN vector SET STORAGE EXTERNAL;
CREATE INDEX memory_vectors_owner ON headgate.memory_vectors (project_id, subject, memory_id);
SELECT headgate.protect_tenant_table('headgate.memory_vectors');
