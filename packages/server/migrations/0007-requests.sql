-- owner: requests
-- What requests went through, for operators: single requests for days, counts by the minute for weeks. Both are written in
-- batches after the answer and end by dropping whole days; the runtime role neither changes nor deletes rows.

-- Makes the daily partitions (UTC) of a table partitioned by range of a timestamptz column: today and days_ahead more.
-- Otherwise as headgate.ensure_monthly_partitions.
CREATE FUNCTION headgate.ensure_daily_partitions(target regclass, days_ahead integer DEFAULT 3) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
  AS $$
DECLARE
  parent record;
  day date;
  partition_name text;
  made integer := 0;
BEGIN
  SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS protected INTO parent
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = target AND c.relkind = 'p' AND n.nspname = 'headgate';
  IF NOT FOUND THEN
    RAISE EXCEPTION '% is not a partitioned table of the schema headgate', target;
  END IF;
  IF days_ahead NOT BETWEEN 0 AND 60 THEN
    RAISE EXCEPTION 'days_ahead must be between 0 and 60';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('headgate partitions ' || target::oid, 0));
  -- The day before too: a minute that began yesterday is written today.
  FOR ahead IN -1..days_ahead LOOP
    day := current_date + ahead;
    partition_name := parent.relname || to_char(day, '"_y"YYYY"m"MM"d"DD');
    CONTINUE WHEN to_regclass(format('headgate.%I', partition_name)) IS NOT NULL;
    EXECUTE format('CREATE TABLE headgate.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', partition_name, target,
      day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00');
    EXECUTE format('REVOKE ALL ON headgate.%I FROM headgate_runtime', partition_name);
    EXECUTE (SELECT coalesce(string_agg(format('GRANT %s ON headgate.%I TO headgate_runtime', privilege, partition_name), '; '), 'SELECT 1')
               FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
              WHERE has_table_privilege('headgate_runtime', target, privilege));
    IF parent.protected THEN
      PERFORM headgate.protect_tenant_table(format('headgate.%I', partition_name)::regclass);
    END IF;
    made := made + 1;
  END LOOP;
  RETURN made;
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.ensure_daily_partitions(regclass, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION headgate.ensure_daily_partitions(regclass, integer) TO headgate_runtime;

-- Drops the daily partitions that are older than keep_days whole days; no other partition has such a name. Returns how many.
CREATE FUNCTION headgate.drop_daily_partitions(target regclass, keep_days integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
  AS $$
DECLARE
  member record;
  dropped integer := 0;
BEGIN
  IF keep_days < 1 THEN
    RAISE EXCEPTION 'keep_days must be at least 1';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('headgate partitions ' || target::oid, 0));
  FOR member IN
    SELECT c.oid::regclass AS name, to_date(substring(c.relname FROM '_y(\d{4}m\d{2}d\d{2})$'), 'YYYY"m"MM"d"DD') AS day
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE i.inhparent = target AND n.nspname = 'headgate' AND c.relname ~ '_y\d{4}m\d{2}d\d{2}$'
  LOOP
    CONTINUE WHEN member.day >= current_date - keep_days;
    EXECUTE format('DROP TABLE %s', member.name);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.drop_daily_partitions(regclass, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION headgate.drop_daily_partitions(regclass, integer) TO headgate_runtime;

-- A request that was kept, with the stages it passed.
CREATE TABLE headgate.requests (
  id text NOT NULL,
  at timestamptz NOT NULL,
  -- As the caller saw it in x-request-id.
  request_id text NOT NULL,
  -- '*' where the request named no valid key: only the house's own scope sees such rows.
  project_id text NOT NULL,
  key_id text,
  tier text,
  method text NOT NULL,
  route text NOT NULL,
  status smallint NOT NULL,
  -- Catalogue code of what the caller was told.
  code text,
  operation text,
  -- As the caller named it, and as it was answered.
  asked_model text,
  provider text,
  model text,
  stream boolean NOT NULL,
  outcome text,
  estimated boolean,
  input_tokens bigint,
  output_tokens bigint,
  cost_nano bigint,
  duration_ms double precision NOT NULL,
  first_byte_ms double precision,
  slowest text NOT NULL,
  -- Why it was kept.
  kept text NOT NULL CHECK (kept IN ('sample', 'slow', 'failed', 'body')),
  trace_id text NOT NULL,
  -- Id of the root span, its parent where a front gate's trace goes on, what a stranger's trace was, and so on.
  trace jsonb NOT NULL,
  stages jsonb NOT NULL,
  tries jsonb NOT NULL,
  PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX requests_by_id ON headgate.requests (id);
CREATE INDEX requests_by_request_id ON headgate.requests (request_id);
CREATE INDEX requests_by_trace ON headgate.requests (trace_id);
CREATE INDEX requests_by_project ON headgate.requests (project_id, at);
CREATE INDEX requests_by_key ON headgate.requests (key_id, at);
CREATE INDEX requests_by_code ON headgate.requests (code, at) WHERE code IS NOT NULL;
CREATE INDEX requests_by_duration ON headgate.requests (duration_ms, at) WHERE kept = 'slow';
REVOKE UPDATE, DELETE, TRUNCATE ON headgate.requests FROM headgate_runtime;
SELECT headgate.protect_tenant_table('headgate.requests');
SELECT headgate.ensure_daily_partitions('headgate.requests', 3);

-- Every request and every try at a provider, counted by the minute and by process. Rows are replaced while their minute lasts.
-- Durations are histograms: how many by bucket (domain/latency.ts), as an object of bucket and count.
CREATE TABLE headgate.request_minutes (
  minute timestamptz NOT NULL,
  process_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('request', 'try')),
  route text NOT NULL,
  tier text NOT NULL,
  -- Bounded as the labels of the metrics are: `provider/other` stands for models that no list names.
  target text NOT NULL,
  code text NOT NULL,
  count bigint NOT NULL,
  total_ms double precision NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  durations jsonb NOT NULL,
  first_bytes jsonb NOT NULL,
  PRIMARY KEY (minute, process_id, kind, route, tier, target, code)
) PARTITION BY RANGE (minute);
REVOKE DELETE, TRUNCATE ON headgate.request_minutes FROM headgate_runtime;
SELECT headgate.ensure_daily_partitions('headgate.request_minutes', 3);
