-- owner: admission
-- Raised in the transaction of each change, so that replicas ask for nothing else while it stands.
CREATE TABLE headgate.limit_changes (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  revision bigint NOT NULL
);
INSERT INTO headgate.limit_changes (revision) VALUES (0);
REVOKE INSERT, DELETE ON headgate.limit_changes FROM headgate_runtime;

-- Limits that operators set while Headgate runs, in the shape of the contract.
CREATE TABLE headgate.limit_policies (
  name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
  policy jsonb NOT NULL,
  changed_at timestamptz NOT NULL
);

-- Who may call, by address and country: one document, absent until an operator sets it.
CREATE TABLE headgate.access_rules (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  access jsonb NOT NULL,
  changed_at timestamptz NOT NULL
);

-- Counts of limits, for processes that share no Redis. Unlogged: a crash of the database forgets them, as one of Redis does.
CREATE UNLOGGED TABLE headgate.limit_counts (
  key text PRIMARY KEY,
  -- Of a bucket: microseconds of the epoch at which it is full.
  full_at double precision NOT NULL DEFAULT 0,
  -- Of a window: units by number of the part, at most 61.
  parts jsonb NOT NULL DEFAULT '{}',
  expires_at timestamptz NOT NULL DEFAULT now() + interval '1 minute'
) WITH (fillfactor = 50);
CREATE INDEX limit_counts_expiry ON headgate.limit_counts (expires_at);

-- Calls under way, by concurrency limit.
CREATE UNLOGGED TABLE headgate.limit_holdings (
  key text NOT NULL,
  holder text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (key, holder)
);

CREATE UNLOGGED TABLE headgate.limit_replicas (
  replica text PRIMARY KEY,
  seen_at timestamptz NOT NULL
);

-- Units of a rule in use: {k: key, a: letter of the algorithm, q: quota, w: microseconds of the window}.
CREATE FUNCTION headgate.limit_used(rule jsonb, now_us double precision) RETURNS double precision
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  quota double precision := (rule->>'q')::double precision;
  window_us double precision := (rule->>'w')::double precision;
  found double precision;
BEGIN
  CASE rule->>'a'
    WHEN 'b' THEN
      SELECT full_at INTO found FROM headgate.limit_counts WHERE key = rule->>'k';
      RETURN least(quota, greatest(0, coalesce(found, 0) - now_us) * quota / window_us);
    WHEN 'w' THEN
      RETURN coalesce((SELECT sum(units::double precision)
        FROM headgate.limit_counts, jsonb_each_text(parts) AS part (number, units)
       WHERE key = rule->>'k' AND number::double precision >= floor(now_us * 60 / window_us) - 60), 0);
    ELSE
      DELETE FROM headgate.limit_holdings WHERE key = rule->>'k' AND expires_at <= clock_timestamp();
      RETURN (SELECT count(*) FROM headgate.limit_holdings WHERE key = rule->>'k');
  END CASE;
END
$$;

-- Adds units to a rule, or takes them back as of when they were taken.
CREATE FUNCTION headgate.limit_add(rule jsonb, used double precision, change double precision, taken_us double precision,
    now_us double precision, holder_name text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  quota double precision := (rule->>'q')::double precision;
  window_us double precision := (rule->>'w')::double precision;
  oldest double precision := floor(now_us * 60 / window_us) - 60;
  part text := floor((CASE WHEN change < 0 THEN taken_us ELSE now_us END) * 60 / window_us)::bigint::text;
  need double precision;
BEGIN
  CASE rule->>'a'
    WHEN 'b' THEN
      need := greatest(0, used + change) * window_us / quota;
      UPDATE headgate.limit_counts SET full_at = now_us + need,
             expires_at = clock_timestamp() + make_interval(secs => need / 1e6 + 60)
       WHERE key = rule->>'k';
    WHEN 'w' THEN
      IF part::double precision < oldest THEN RETURN; END IF;
      UPDATE headgate.limit_counts SET
             parts = (SELECT coalesce(jsonb_object_agg(number, units), '{}') FROM jsonb_each(parts) AS old (number, units)
                       WHERE number::double precision >= oldest AND number <> part)
                  || jsonb_build_object(part, greatest(0, coalesce((parts->>part)::double precision, 0) + change)),
             expires_at = clock_timestamp() + make_interval(secs => window_us / 5e5 + 60)
       WHERE key = rule->>'k';
    ELSE
      IF change > 0 THEN
        INSERT INTO headgate.limit_holdings VALUES
          (rule->>'k', holder_name, clock_timestamp() + make_interval(secs => window_us / 1e6))
          ON CONFLICT (key, holder) DO UPDATE SET expires_at = excluded.expires_at;
      ELSE
        DELETE FROM headgate.limit_holdings WHERE key = rule->>'k' AND holder = holder_name;
      END IF;
  END CASE;
END
$$;

-- Microseconds until at least so many units have left a window.
CREATE FUNCTION headgate.limit_leaves(rule jsonb, units double precision, now_us double precision) RETURNS double precision
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT coalesce(min((number + 61) * (rule->>'w')::double precision / 60 - now_us), (rule->>'w')::double precision)
    FROM (SELECT part.number::double precision AS number,
                 sum(part.units::double precision) OVER (ORDER BY part.number::double precision) AS so_far
            FROM headgate.limit_counts, jsonb_each_text(parts) AS part (number, units)
           WHERE key = rule->>'k' AND part.number::double precision >= floor(now_us * 60 / (rule->>'w')::double precision) - 60) AS parts
   WHERE so_far > 0 AND so_far + 1e-9 >= units
$$;

-- Answers a batch in its order. An item is a decision {h: holder, r: [{k, a, q, w, c: cost, s: shadow, l: least}]}, which is
-- answered by [allowed, used, reset, retry, used, …] in microseconds, retry -1 for never; or a correction {h: holder, k, a, q,
-- w, d: change, g: microseconds since it was taken}, which is not answered. All keys are locked first, in one order for all.
CREATE FUNCTION headgate.decide_limits(items jsonb) RETURNS jsonb
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  now_us double precision;
  item jsonb;
  rule jsonb;
  used double precision[];
  fits boolean[];
  allowed boolean;
  answer jsonb;
  answers jsonb := '[]';
  one double precision;
  reset double precision;
  retry double precision;
  quota double precision;
  cost double precision;
BEGIN
  WITH keys AS MATERIALIZED (
    SELECT DISTINCT coalesce(rules->>'k', items_of->>'k') AS key
      FROM jsonb_array_elements(items) AS items_of LEFT JOIN LATERAL jsonb_array_elements(items_of->'r') AS rules ON true
  )
  INSERT INTO headgate.limit_counts (key) SELECT key FROM keys ORDER BY key
    ON CONFLICT (key) DO UPDATE SET expires_at = greatest(headgate.limit_counts.expires_at, excluded.expires_at);
  now_us := extract(epoch FROM clock_timestamp()) * 1e6;

  FOR item IN SELECT * FROM jsonb_array_elements(items) LOOP
    IF item ? 'd' THEN
      PERFORM headgate.limit_add(item, CASE WHEN item->>'a' = 'b' THEN headgate.limit_used(item, now_us) ELSE 0 END,
        (item->>'d')::double precision, now_us - (item->>'g')::double precision, now_us, item->>'h');
      CONTINUE;
    END IF;
    used := '{}'; fits := '{}'; allowed := true;
    FOR rule IN SELECT * FROM jsonb_array_elements(item->'r') LOOP
      one := greatest(headgate.limit_used(rule, now_us), (rule->>'l')::double precision);
      used := used || one;
      fits := fits || (one + (rule->>'c')::double precision <= (rule->>'q')::double precision + 0.0001);
      IF NOT fits[array_length(fits, 1)] AND NOT (rule->>'s')::boolean THEN allowed := false; END IF;
    END LOOP;
    answer := jsonb_build_array(CASE WHEN allowed THEN 1 ELSE 0 END);
    FOR index IN 1..coalesce(array_length(used, 1), 0) LOOP
      rule := item->'r'->(index - 1);
      quota := (rule->>'q')::double precision;
      cost := (rule->>'c')::double precision;
      IF allowed AND fits[index] THEN
        PERFORM headgate.limit_add(rule, used[index], cost, now_us, now_us, item->>'h');
        used[index] := used[index] + cost;
      END IF;
      reset := 0; retry := 0;
      CASE rule->>'a'
        WHEN 'b' THEN
          reset := used[index] * (rule->>'w')::double precision / quota;
          IF NOT fits[index] THEN retry := (used[index] + cost - quota) * (rule->>'w')::double precision / quota; END IF;
        WHEN 'w' THEN
          IF used[index] > 0 THEN reset := headgate.limit_leaves(rule, used[index], now_us); END IF;
          IF NOT fits[index] THEN retry := headgate.limit_leaves(rule, used[index] + cost - quota, now_us); END IF;
        ELSE
          IF NOT fits[index] THEN retry := 1e6; END IF;
      END CASE;
      IF NOT fits[index] AND cost > quota + 0.0001 THEN retry := -1; END IF;
      answer := answer || jsonb_build_array(used[index], reset, retry);
    END LOOP;
    answers := answers || jsonb_build_array(answer);
  END LOOP;
  RETURN answers;
END
$$;

-- Says that a replica lives, forgets what is over, and answers how many replicas live.
CREATE FUNCTION headgate.present_replica(name text) RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  INSERT INTO headgate.limit_replicas VALUES (name, clock_timestamp())
    ON CONFLICT (replica) DO UPDATE SET seen_at = excluded.seen_at;
  DELETE FROM headgate.limit_replicas WHERE seen_at < clock_timestamp() - interval '15 seconds';
  DELETE FROM headgate.limit_counts WHERE key IN (
    SELECT key FROM headgate.limit_counts WHERE expires_at < clock_timestamp() LIMIT 1000 FOR UPDATE SKIP LOCKED);
  DELETE FROM headgate.limit_holdings WHERE expires_at < clock_timestamp();
  RETURN (SELECT count(*) FROM headgate.limit_replicas);
END
$$;

-- Keeps calls under way, [{k: key, h: holder}], for so many seconds more.
CREATE FUNCTION headgate.renew_holdings(mine jsonb, seconds double precision) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO headgate.limit_holdings
  SELECT k, h, clock_timestamp() + make_interval(secs => seconds)
    FROM jsonb_to_recordset(mine) AS held (k text, h text) ORDER BY k, h
    ON CONFLICT (key, holder) DO UPDATE SET expires_at = excluded.expires_at
$$;

CREATE FUNCTION headgate.leave_replica(name text) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp
  AS $$ DELETE FROM headgate.limit_replicas WHERE replica = name $$;
