-- owner: provenance
-- Roots under which Headgate signs what models make; the newest one signs, all are trusted. The private key is sealed with a data key of the house.
CREATE TABLE headgate.provenance_roots (
  version integer PRIMARY KEY CHECK (version > 0),
  -- PEM; public.
  certificate text NOT NULL,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL
);
REVOKE UPDATE, DELETE ON headgate.provenance_roots FROM headgate_runtime;
