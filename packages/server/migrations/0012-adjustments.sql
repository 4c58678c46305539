-- owner: ledger
-- Adjustments: rows that an operator adds to the ledger, to charge or to credit a key or a project.

ALTER TABLE headgate.ledger_entries ADD COLUMN reason text CHECK (char_length(reason) BETWEEN 1 AND 500);
ALTER TABLE headgate.ledger_entries
  ADD CONSTRAINT ledger_entries_adjustment_check CHECK (kind <> 'adjustment' OR (reason IS NOT NULL AND cost_nano IS NOT NULL));
CREATE INDEX ledger_entries_adjustments ON headgate.ledger_entries (at, request_id) WHERE kind = 'adjustment';

-- A window that was credited more than it spent has that much more to spend.
ALTER TABLE headgate.budget_windows DROP CONSTRAINT budget_windows_spent_nano_check;
