-- owner: ledger
-- Budgets as data, at four levels, beside those of keys; a call may be charged to several at once.

-- Raised in the transaction of each change, so that replicas ask for nothing else while it stands.
CREATE TABLE headgate.budget_rule_changes (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  revision bigint NOT NULL
);
INSERT INTO headgate.budget_rule_changes (revision) VALUES (0);
REVOKE INSERT, DELETE ON headgate.budget_rule_changes FROM headgate_runtime;

-- What may be spent, in the shape of the contract. Those of the configuration stand here too, as the replica that started last says them.
CREATE TABLE headgate.budget_rules (
  name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
  rule jsonb NOT NULL,
  -- What the accounts of the rule take from it.
  limit_nano bigint NOT NULL CHECK (limit_nano >= 0),
  budget_window text NOT NULL,
  soft boolean NOT NULL,
  source text NOT NULL CHECK (source IN ('configuration', 'operator')),
  changed_at timestamptz NOT NULL
);

-- The account of a rule: one for each project, user, key or model that it counts apart, made when the first call meets it.
ALTER TABLE headgate.budgets
  ADD COLUMN rule_name text,
  ADD COLUMN subject text,
  ADD COLUMN soft boolean NOT NULL DEFAULT false,
  DROP CONSTRAINT budgets_budget_window_check,
  ADD CONSTRAINT budgets_budget_window_check
    CHECK (budget_window IN ('total', 'hour', 'day', 'month', 'rolling-hour', 'rolling-day', 'rolling-month'));
CREATE INDEX budgets_by_rule ON headgate.budgets (rule_name, id) WHERE rule_name IS NOT NULL;

-- What an entry is charged to beyond the budget that its own row names.
CREATE TABLE headgate.ledger_charges (
  request_id text NOT NULL,
  kind text NOT NULL DEFAULT 'call',
  at timestamptz NOT NULL,
  project_id text NOT NULL,
  budget_id text NOT NULL,
  budget_window timestamptz NOT NULL,
  cost_nano bigint,
  PRIMARY KEY (budget_id, budget_window, request_id, kind, at)
) PARTITION BY RANGE (at);
REVOKE UPDATE, DELETE, TRUNCATE ON headgate.ledger_charges FROM headgate_runtime;
CREATE TABLE headgate.ledger_charges_other PARTITION OF headgate.ledger_charges DEFAULT;
REVOKE UPDATE, DELETE, TRUNCATE ON headgate.ledger_charges_other FROM headgate_runtime;
SELECT headgate.ensure_monthly_partitions('headgate.ledger_charges', 2);
SELECT headgate.protect_tenant_table('headgate.ledger_charges');
