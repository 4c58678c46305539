-- owner: requests
-- The counts by the minute, summed up by the hour: what looks back over weeks reads these. Rolled up again and again from the
-- minutes that have changed, so that late ones count too, and compared with all of them every night.

ALTER TABLE headgate.request_minutes ADD COLUMN written_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX request_minutes_by_writing ON headgate.request_minutes (written_at);

CREATE TABLE headgate.request_hours (
  hour timestamptz NOT NULL,
  kind text NOT NULL CHECK (kind IN ('request', 'try')),
  route text NOT NULL,
  tier text NOT NULL,
  target text NOT NULL,
  code text NOT NULL,
  count bigint NOT NULL,
  total_ms double precision NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  durations jsonb NOT NULL,
  first_bytes jsonb NOT NULL,
  PRIMARY KEY (hour, kind, route, tier, target, code)
) PARTITION BY RANGE (hour);
REVOKE DELETE, TRUNCATE ON headgate.request_hours FROM headgate_runtime;
SELECT headgate.ensure_daily_partitions('headgate.request_hours', 3);

-- One row: who locks it rolls up.
CREATE TABLE headgate.request_rollup (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  rolled_at timestamptz NOT NULL,
  reconciled_at timestamptz NOT NULL
);
INSERT INTO headgate.request_rollup (rolled_at, reconciled_at) VALUES (to_timestamp(0), now());
REVOKE INSERT, DELETE, TRUNCATE ON headgate.request_rollup FROM headgate_runtime;
