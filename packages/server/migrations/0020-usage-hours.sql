-- owner: ledger
-- The ledger, summed up by the hour: what reports read, so that none grows with the rows. Kept in the statement that adds the rows,
-- whatever adds them, so that the two cannot differ; `headgate ledger verify` proves it.

CREATE TABLE headgate.usage_hours (
  hour timestamptz NOT NULL,
  project_id text NOT NULL,
  -- '' where an adjustment has none.
  key_id text NOT NULL,
  -- '' where nobody was named.
  user_name text NOT NULL,
  target text NOT NULL,
  requests bigint NOT NULL,
  estimated_requests bigint NOT NULL,
  unpriced_requests bigint NOT NULL,
  input_tokens bigint NOT NULL,
  cached_input_tokens bigint NOT NULL,
  cache_write_input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  reasoning_tokens bigint NOT NULL,
  cost_nano bigint NOT NULL,
  adjustments_nano bigint NOT NULL,
  PRIMARY KEY (project_id, hour, key_id, user_name, target)
);
CREATE INDEX usage_hours_by_hour ON headgate.usage_hours (hour);
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON headgate.usage_hours FROM headgate_runtime;
SELECT headgate.protect_tenant_table('headgate.usage_hours');

-- Sums of entries by the hour; the one place that says what is summed up.
CREATE FUNCTION headgate.add_usage_hours() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  -- In one order, so that no two transactions wait for each other.
  INSERT INTO headgate.usage_hours AS held
  SELECT date_bin('1 hour', at, to_timestamp(0)), project_id, key_id, coalesce(user_name, ''), target,
      count(*) FILTER (WHERE kind = 'call'),
      count(*) FILTER (WHERE kind = 'call' AND estimated),
      count(*) FILTER (WHERE kind = 'call' AND cost_nano IS NULL),
      sum(input_tokens), sum(cached_input_tokens), sum(cache_write_input_tokens), sum(output_tokens), sum(reasoning_tokens),
      coalesce(sum(cost_nano), 0),
      coalesce(sum(cost_nano) FILTER (WHERE kind = 'adjustment'), 0)
    FROM added GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1, 3, 4, 5
  ON CONFLICT (project_id, hour, key_id, user_name, target) DO UPDATE SET
    requests = held.requests + excluded.requests,
    estimated_requests = held.estimated_requests + excluded.estimated_requests,
    unpriced_requests = held.unpriced_requests + excluded.unpriced_requests,
    input_tokens = held.input_tokens + excluded.input_tokens,
    cached_input_tokens = held.cached_input_tokens + excluded.cached_input_tokens,
    cache_write_input_tokens = held.cache_write_input_tokens + excluded.cache_write_input_tokens,
    output_tokens = held.output_tokens + excluded.output_tokens,
    reasoning_tokens = held.reasoning_tokens + excluded.reasoning_tokens,
    cost_nano = held.cost_nano + excluded.cost_nano,
    adjustments_nano = held.adjustments_nano + excluded.adjustments_nano;
  RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.add_usage_hours() FROM PUBLIC;
CREATE TRIGGER usage_hours AFTER INSERT ON headgate.ledger_entries
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION headgate.add_usage_hours();

-- What is there already.
INSERT INTO headgate.usage_hours
SELECT date_bin('1 hour', at, to_timestamp(0)), project_id, key_id, coalesce(user_name, ''), target,
    count(*) FILTER (WHERE kind = 'call'),
    count(*) FILTER (WHERE kind = 'call' AND estimated),
    count(*) FILTER (WHERE kind = 'call' AND cost_nano IS NULL),
    sum(input_tokens), sum(cached_input_tokens), sum(cache_write_input_tokens), sum(output_tokens), sum(reasoning_tokens),
    coalesce(sum(cost_nano), 0),
    coalesce(sum(cost_nano) FILTER (WHERE kind = 'adjustment'), 0)
  FROM headgate.ledger_entries GROUP BY 1, 2, 3, 4, 5;
