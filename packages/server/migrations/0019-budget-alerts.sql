-- owner: ledger
-- Thresholds that an account reached in a window, each once, whichever replica saw it.
CREATE TABLE headgate.budget_alerts (
  budget_id text NOT NULL,
  -- Of a rolling window: begin of the stretch of its length, counted from the epoch, in which the threshold was reached.
  window_start timestamptz NOT NULL,
  kind text NOT NULL CHECK (kind IN ('50', '80', '100', 'forecast')),
  project_id text NOT NULL,
  -- As they were then; the budget of a key has no rule.
  rule_name text,
  subject text,
  limit_nano bigint NOT NULL,
  spent_nano bigint NOT NULL,
  forecast_nano bigint,
  raised_at timestamptz NOT NULL,
  PRIMARY KEY (budget_id, window_start, kind)
);
CREATE INDEX budget_alerts_by_rule ON headgate.budget_alerts (rule_name, raised_at DESC) WHERE rule_name IS NOT NULL;
REVOKE UPDATE ON headgate.budget_alerts FROM headgate_runtime;
SELECT headgate.protect_tenant_table('headgate.budget_alerts');
