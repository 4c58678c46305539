-- owner: ledger
-- Corrections: rows that bring what a call cost to another price, when the one that was configured was wrong. Each bears the time,
-- key, user and model of its call, so that sums by the hour and by budget follow; `client_request_id` is the id of the call.

-- NULL in rows of a version that did not tell it apart.
ALTER TABLE headgate.ledger_entries
  ADD COLUMN cache_write_hour_input_tokens bigint CHECK (cache_write_hour_input_tokens >= 0);
ALTER TABLE headgate.ledger_entries
  ADD CONSTRAINT ledger_entries_correction_check
    CHECK (kind <> 'correction' OR (reason IS NOT NULL AND cost_nano IS NOT NULL AND price_version IS NOT NULL));

-- In the order in which calls are priced anew.
CREATE INDEX ledger_entries_by_time ON headgate.ledger_entries (at, request_id);
-- What was corrected, by its call.
CREATE INDEX ledger_entries_corrections ON headgate.ledger_entries (client_request_id, at) WHERE kind = 'correction';
CREATE INDEX ledger_charges_by_entry ON headgate.ledger_charges (request_id, at);
