-- owner: files
-- Batches that are to be forgotten are found without reading those that are kept.

CREATE INDEX batches_closed ON headgate.batches (created_at)
  WHERE status NOT IN ('validating', 'in_progress', 'finalizing', 'cancelling');
