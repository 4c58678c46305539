-- owner: ledger
-- Input that a provider wrote to its prompt cache: a part of input_tokens with a price of its own.

ALTER TABLE headgate.ledger_entries
  ADD COLUMN cache_write_input_tokens bigint NOT NULL DEFAULT 0 CHECK (cache_write_input_tokens >= 0);
