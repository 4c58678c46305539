-- owner: ledger
-- Growth: usage summed up by the day, and months of the ledger that end. What a month that has ended came to stays: sealed, by window
-- of a budget and by day, so that the accounts go on adding up without its rows.

CREATE TABLE headgate.usage_days (
  day timestamptz NOT NULL,
  project_id text NOT NULL,
  key_id text NOT NULL,
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
  images bigint NOT NULL,
  audio_ms bigint NOT NULL,
  characters bigint NOT NULL,
  cost_nano bigint NOT NULL,
  adjustments_nano bigint NOT NULL,
  PRIMARY KEY (project_id, day, key_id, user_name, target)
);
CREATE INDEX usage_days_by_day ON headgate.usage_days (day);
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON headgate.usage_days FROM headgate_runtime;
SELECT headgate.protect_tenant_table('headgate.usage_days');

-- The same sums as headgate.add_usage_hours, by the day (UTC), in the same statement.
CREATE FUNCTION headgate.add_usage_days() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  -- In one order, so that no two transactions wait for each other.
  INSERT INTO headgate.usage_days AS held (day, project_id, key_id, user_name, target, requests, estimated_requests,
      unpriced_requests, input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_tokens,
      images, audio_ms, characters, cost_nano, adjustments_nano)
  SELECT date_bin('1 day', at, to_timestamp(0)), project_id, key_id, coalesce(user_name, ''), target,
      count(*) FILTER (WHERE kind = 'call'),
      count(*) FILTER (WHERE kind = 'call' AND estimated),
      count(*) FILTER (WHERE kind = 'call' AND cost_nano IS NULL),
      sum(input_tokens), sum(cached_input_tokens), sum(cache_write_input_tokens), sum(output_tokens), sum(reasoning_tokens),
      sum(images), sum(audio_ms), sum(characters),
      coalesce(sum(cost_nano), 0),
      coalesce(sum(cost_nano) FILTER (WHERE kind = 'adjustment'), 0)
    FROM added GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1, 3, 4, 5
  ON CONFLICT (project_id, day, key_id, user_name, target) DO UPDATE SET
    requests = held.requests + excluded.requests,
    estimated_requests = held.estimated_requests + excluded.estimated_requests,
    unpriced_requests = held.unpriced_requests + excluded.unpriced_requests,
    input_tokens = held.input_tokens + excluded.input_tokens,
    cached_input_tokens = held.cached_input_tokens + excluded.cached_input_tokens,
    cache_write_input_tokens = held.cache_write_input_tokens + excluded.cache_write_input_tokens,
    output_tokens = held.output_tokens + excluded.output_tokens,
    reasoning_tokens = held.reasoning_tokens + excluded.reasoning_tokens,
    images = held.images + excluded.images,
    audio_ms = held.audio_ms + excluded.audio_ms,
    characters = held.characters + excluded.characters,
    cost_nano = held.cost_nano + excluded.cost_nano,
    adjustments_nano = held.adjustments_nano + excluded.adjustments_nano;
  RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.add_usage_days() FROM PUBLIC;
-- After that of the hours, by its name, so that both are taken in one order.
CREATE TRIGGER usage_hours_then_days AFTER INSERT ON headgate.ledger_entries
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION headgate.add_usage_days();

INSERT INTO headgate.usage_days (day, project_id, key_id, user_name, target, requests, estimated_requests, unpriced_requests,
    input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_tokens, images, audio_ms, characters,
    cost_nano, adjustments_nano)
SELECT date_bin('1 day', hour, to_timestamp(0)), project_id, key_id, user_name, target, sum(requests), sum(estimated_requests),
    sum(unpriced_requests), sum(input_tokens), sum(cached_input_tokens), sum(cache_write_input_tokens), sum(output_tokens),
    sum(reasoning_tokens), sum(images), sum(audio_ms), sum(characters), sum(cost_nano), sum(adjustments_nano)
  FROM headgate.usage_hours GROUP BY 1, 2, 3, 4, 5;

-- Months whose rows are gone.
CREATE TABLE headgate.ledger_sealed_months (
  month_start timestamptz PRIMARY KEY,
  month_end timestamptz NOT NULL,
  -- How many of its days are sealed, in their order: all of them, once its rows are gone.
  days integer NOT NULL,
  entries bigint NOT NULL,
  cost_nano bigint NOT NULL,
  sealed_at timestamptz NOT NULL DEFAULT now()
);
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON headgate.ledger_sealed_months FROM headgate_runtime;

-- What they were charged to.
CREATE TABLE headgate.ledger_sealed_windows (
  budget_id text NOT NULL,
  budget_window timestamptz NOT NULL,
  month_start timestamptz NOT NULL,
  project_id text NOT NULL,
  cost_nano bigint NOT NULL,
  -- Whether a credit is in it, which may leave a window below zero.
  credited boolean NOT NULL,
  PRIMARY KEY (budget_id, budget_window, month_start)
);
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON headgate.ledger_sealed_windows FROM headgate_runtime;
SELECT headgate.protect_tenant_table('headgate.ledger_sealed_windows');

-- What they came to by the day.
CREATE TABLE headgate.ledger_sealed_days (
  day timestamptz NOT NULL,
  project_id text NOT NULL,
  key_id text NOT NULL,
  user_name text NOT NULL,
  target text NOT NULL,
  requests bigint NOT NULL,
  input_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cost_nano bigint NOT NULL,
  PRIMARY KEY (project_id, day, key_id, user_name, target)
);
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON headgate.ledger_sealed_days FROM headgate_runtime;
SELECT headgate.protect_tenant_table('headgate.ledger_sealed_days');

-- Begins of the months (UTC) whose rows are there and that ended more than keep_months whole months ago, the oldest first.
CREATE FUNCTION headgate.ended_ledger_months(keep_months integer) RETURNS SETOF timestamptz
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
  AS $$
  SELECT month_start FROM (
    SELECT to_timestamp(substring(c.relname FROM '_y(\d{4}m\d{2})$') || ' +00', 'YYYY"m"MM TZH') AS month_start
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'headgate.ledger_entries'::regclass AND c.relname ~ '_y\d{4}m\d{2}$') months
   WHERE month_start + make_interval(months => 1 + keep_months) <= date_trunc('month', now()) ORDER BY 1
$$;
REVOKE EXECUTE ON FUNCTION headgate.ended_ledger_months(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION headgate.ended_ledger_months(integer) TO headgate_runtime;

-- Whether a month of the ledger may end; nothing younger than a year may, and nobody but the house ends it.
CREATE FUNCTION headgate.assert_ledger_month_ends(month timestamptz, keep_months integer) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
  AS $$
BEGIN
  IF headgate.scope() IS DISTINCT FROM '*' THEN
    RAISE EXCEPTION 'a month of the ledger is ended by the house alone';
  END IF;
  IF keep_months IS NULL OR keep_months < 12 THEN
    RAISE EXCEPTION 'keep_months must be at least 12';
  END IF;
  IF month <> date_trunc('month', month) OR month + make_interval(months => 1 + keep_months) > date_trunc('month', now()) THEN
    RAISE EXCEPTION '% is no month that ended % months ago', month, keep_months;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('headgate ledger months', 0));
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.assert_ledger_month_ends(timestamptz, integer) FROM PUBLIC;

-- Seals the next day of a month that ends, the first one first: proves that its sums by the hour and by the day are those of its rows,
-- and keeps what it came to. One day at a time, so that no statement is long. Returns how many entries it had. @raises HGL01 when sums differ.
CREATE FUNCTION headgate.seal_ledger_day(day timestamptz, keep_months integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s'
  AS $$
DECLARE
  month timestamptz := date_trunc('month', seal_ledger_day.day);
  day_end timestamptz := seal_ledger_day.day + interval '1 day';
  suffix text := to_char(month, '"_y"YYYY"m"MM');
  entries regclass := to_regclass('headgate.ledger_entries' || suffix);
  charges regclass := to_regclass('headgate.ledger_charges' || suffix);
  one text;
  differing bigint;
  counted integer;
  cost numeric;
BEGIN
  PERFORM headgate.assert_ledger_month_ends(month, keep_months);
  IF entries IS NULL THEN
    RAISE EXCEPTION 'the ledger has no month %', month;
  END IF;
  -- Readers go on; what would be written into the month waits.
  FOREACH one IN ARRAY ARRAY['ledger_entries', 'request_attempts', 'ledger_charges'] LOOP
    IF to_regclass('headgate.' || one || suffix) IS NOT NULL THEN
      EXECUTE format('LOCK TABLE headgate.%I IN SHARE MODE', one || suffix);
    END IF;
  END LOOP;
  INSERT INTO headgate.ledger_sealed_months (month_start, month_end, days, entries, cost_nano)
  VALUES (month, month + interval '1 month', 0, 0, 0) ON CONFLICT DO NOTHING;
  UPDATE headgate.ledger_sealed_months SET days = days + 1
   WHERE month_start = month AND month_start + make_interval(days => days) = seal_ledger_day.day;
  IF NOT FOUND THEN
    RAISE EXCEPTION '% is not the next day of its month', seal_ledger_day.day;
  END IF;

  EXECUTE format($query$
    SELECT count(*) FROM (
      SELECT date_bin('1 hour', at, to_timestamp(0)) AS hour, project_id, key_id, coalesce(user_name, '') AS user_name, target,
             count(*) FILTER (WHERE kind = 'call') AS requests, coalesce(sum(cost_nano), 0) AS cost_nano,
             sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
        FROM %s WHERE at >= $1 AND at < $2 GROUP BY 1, 2, 3, 4, 5) e
      FULL JOIN (SELECT * FROM headgate.usage_hours WHERE hour >= $1 AND hour < $2) h
        USING (hour, project_id, key_id, user_name, target)
     WHERE (e.requests, e.cost_nano, e.input_tokens, e.output_tokens)
       IS DISTINCT FROM (h.requests, h.cost_nano, h.input_tokens, h.output_tokens)$query$, entries)
    INTO differing USING seal_ledger_day.day, day_end;
  IF differing > 0 THEN
    RAISE EXCEPTION 'of the day %, % sums by the hour differ from their entries', seal_ledger_day.day, differing USING ERRCODE = 'HGL01';
  END IF;
  SELECT count(*) INTO differing FROM (
    SELECT project_id, key_id, user_name, target, sum(requests) AS requests, sum(cost_nano) AS cost_nano,
           sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
      FROM headgate.usage_hours WHERE hour >= seal_ledger_day.day AND hour < day_end GROUP BY 1, 2, 3, 4) h
    FULL JOIN (SELECT * FROM headgate.usage_days u WHERE u.day = seal_ledger_day.day) d USING (project_id, key_id, user_name, target)
   WHERE (h.requests, h.cost_nano, h.input_tokens, h.output_tokens)
     IS DISTINCT FROM (d.requests, d.cost_nano, d.input_tokens, d.output_tokens);
  IF differing > 0 THEN
    RAISE EXCEPTION 'of the day %, % sums differ from their hours', seal_ledger_day.day, differing USING ERRCODE = 'HGL01';
  END IF;

  EXECUTE format($query$
    INSERT INTO headgate.ledger_sealed_windows AS held (budget_id, budget_window, month_start, project_id, cost_nano, credited)
    SELECT budget_id, budget_window, $3, min(project_id), coalesce(sum(cost_nano), 0),
           coalesce(bool_or(kind = 'adjustment' AND cost_nano < 0), false)
      FROM (SELECT budget_id, budget_window, project_id, cost_nano, kind FROM %s
             WHERE budget_id IS NOT NULL AND at >= $1 AND at < $2 %s) charged GROUP BY 1, 2
    ON CONFLICT (budget_id, budget_window, month_start) DO UPDATE SET
      cost_nano = held.cost_nano + excluded.cost_nano, credited = held.credited OR excluded.credited$query$, entries,
    CASE WHEN charges IS NULL THEN '' ELSE format(
      'UNION ALL SELECT budget_id, budget_window, project_id, cost_nano, kind FROM %s WHERE at >= $1 AND at < $2', charges) END)
    USING seal_ledger_day.day, day_end, month;
  EXECUTE format($query$
    INSERT INTO headgate.ledger_sealed_days (day, project_id, key_id, user_name, target, requests, input_tokens, output_tokens, cost_nano)
    SELECT $1, project_id, key_id, coalesce(user_name, ''), target, count(*) FILTER (WHERE kind = 'call'), sum(input_tokens),
           sum(output_tokens), coalesce(sum(cost_nano), 0)
      FROM %s WHERE at >= $1 AND at < $2 GROUP BY 2, 3, 4, 5$query$, entries) USING seal_ledger_day.day, day_end;
  EXECUTE format('SELECT count(*), coalesce(sum(cost_nano), 0) FROM %s WHERE at >= $1 AND at < $2', entries)
    INTO counted, cost USING seal_ledger_day.day, day_end;
  UPDATE headgate.ledger_sealed_months SET entries = ledger_sealed_months.entries + counted, cost_nano = cost_nano + cost
   WHERE month_start = month;
  RETURN counted;
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.seal_ledger_day(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION headgate.seal_ledger_day(timestamptz, integer) TO headgate_runtime;

-- Drops the rows of a month of which every day is sealed. Returns how many partitions there were. To be called in the transaction in which they were, so that no row comes between.
CREATE FUNCTION headgate.drop_ledger_month(month timestamptz, keep_months integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s'
  AS $$
DECLARE
  one text;
  suffix text := to_char(month, '"_y"YYYY"m"MM');
  dropped integer := 0;
BEGIN
  PERFORM headgate.assert_ledger_month_ends(month, keep_months);
  IF NOT EXISTS (SELECT FROM headgate.ledger_sealed_months s
                  WHERE s.month_start = month AND s.month_start + make_interval(days => s.days) = s.month_end) THEN
    RAISE EXCEPTION 'the month % is not sealed', month;
  END IF;
  -- As those who write lock them, and only now, so that nobody waits while it is summed up.
  LOCK TABLE headgate.ledger_entries, headgate.request_attempts, headgate.ledger_charges IN ACCESS EXCLUSIVE MODE;
  FOREACH one IN ARRAY ARRAY['ledger_entries', 'request_attempts', 'ledger_charges'] LOOP
    CONTINUE WHEN to_regclass('headgate.' || one || suffix) IS NULL;
    EXECUTE format('DROP TABLE headgate.%I', one || suffix);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.drop_ledger_month(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION headgate.drop_ledger_month(timestamptz, integer) TO headgate_runtime;

-- One row: who moves the claim on keeps the ledger in order for a while.
CREATE TABLE headgate.ledger_upkeep (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  claimed_until timestamptz NOT NULL,
  done_at timestamptz NOT NULL
);
INSERT INTO headgate.ledger_upkeep (claimed_until, done_at) VALUES (to_timestamp(0), to_timestamp(0));
REVOKE INSERT, DELETE, TRUNCATE ON headgate.ledger_upkeep FROM headgate_runtime;

-- What long-past windows and thresholds are looked for by.
CREATE INDEX budget_windows_by_start ON headgate.budget_windows (window_start);
CREATE INDEX budget_alerts_by_time ON headgate.budget_alerts (raised_at);
