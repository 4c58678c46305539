-- owner: alerts
-- What fired and when it ended. One row is open per name and severity, so that of several replicas one tells of it; what is to
-- be told is written with it, and stays until a receiver has taken it.

CREATE TABLE headgate.alerts (
  id text PRIMARY KEY,
  -- `objective/<name>` or `rule/<name>`.
  name text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('page', 'ticket')),
  summary text NOT NULL,
  value double precision NOT NULL,
  threshold double precision NOT NULL,
  started_at timestamptz NOT NULL,
  ended_at timestamptz
);
CREATE UNIQUE INDEX alerts_open ON headgate.alerts (name, severity) WHERE ended_at IS NULL;
CREATE INDEX alerts_by_start ON headgate.alerts (started_at DESC, id DESC);

CREATE TABLE headgate.alert_deliveries (
  alert_id text NOT NULL REFERENCES headgate.alerts ON DELETE CASCADE,
  state text NOT NULL CHECK (state IN ('firing', 'resolved')),
  receiver text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  -- null: delivered, or given up.
  next_at timestamptz,
  delivered_at timestamptz,
  fault text,
  PRIMARY KEY (alert_id, state, receiver)
);
CREATE INDEX alert_deliveries_due ON headgate.alert_deliveries (next_at) WHERE next_at IS NOT NULL;

-- One row: who moves it on evaluates.
CREATE TABLE headgate.alert_turn (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  evaluated_at timestamptz NOT NULL
);
INSERT INTO headgate.alert_turn (evaluated_at) VALUES (to_timestamp(0));
REVOKE INSERT, DELETE, TRUNCATE ON headgate.alert_turn FROM headgate_runtime;
