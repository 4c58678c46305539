-- owner: provenance
-- A root whose key became known to others is trusted no more, and nothing that was signed under it. The rest of a row never changes.
ALTER TABLE headgate.provenance_roots ADD COLUMN revoked_at timestamptz;
GRANT UPDATE (revoked_at) ON headgate.provenance_roots TO headgate_runtime;
