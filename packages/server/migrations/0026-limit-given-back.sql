-- owner: admission
-- Microseconds that were ever given back of a bucket: it may have been full since for as long.
ALTER TABLE headgate.limit_counts ADD COLUMN given_us double precision NOT NULL DEFAULT 0;

-- Answers a batch in its order. An item is a decision {h: holder, s: when the asker last heard from here, r: [{k, a, q, w,
-- c: cost, s: shadow, l: least, where the count began since}]}, which is answered by [allowed, used, reset, retry, used, …, now,
-- given, …] in microseconds, retry -1 for never, given what was ever given back of a bucket; or a correction {h: holder, k, a, q, w, d: change, t: when it was taken, or g: microseconds
-- since, f: microseconds after which the bucket was full then, v: given then}, which is not answered. What was taken before the count began, or
-- came back of itself, is not given back. All keys are locked first, in one order for all.
CREATE OR REPLACE FUNCTION headgate.decide_limits(items jsonb) RETURNS jsonb
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
  change double precision;
  taken_us double precision;
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
      change := (item->>'d')::double precision;
      taken_us := coalesce((item->>'t')::double precision, now_us - (item->>'g')::double precision);
      IF change < 0 AND item->>'a' <> 'c' THEN
        CONTINUE WHEN taken_us < (SELECT began_us FROM headgate.limit_counts WHERE key = item->>'k');
        IF item->>'a' = 'b' AND item->>'f' IS NOT NULL THEN
          SELECT greatest(change, least(0, now_us - taken_us - (item->>'f')::double precision
                   + greatest(0, given_us - coalesce((item->>'v')::double precision, 0)))
                   * (item->>'q')::double precision / (item->>'w')::double precision)
            INTO change FROM headgate.limit_counts WHERE key = item->>'k';
        END IF;
        IF item->>'a' = 'b' THEN
          UPDATE headgate.limit_counts SET given_us = given_us
                 - (item->>'d')::double precision * (item->>'w')::double precision / (item->>'q')::double precision
           WHERE key = item->>'k';
        END IF;
      END IF;
      PERFORM headgate.limit_add(item, CASE WHEN item->>'a' = 'b' THEN headgate.limit_used(item, now_us) ELSE 0 END,
        change, taken_us, now_us, item->>'h');
      CONTINUE;
    END IF;
    used := '{}'; fits := '{}'; allowed := true;
    FOR rule IN SELECT * FROM jsonb_array_elements(item->'r') LOOP
      one := headgate.limit_used(rule, now_us);
      IF (rule->>'l')::double precision > one AND (SELECT began_us FROM headgate.limit_counts WHERE key = rule->>'k')
          > coalesce((item->>'s')::double precision, 0) THEN
        one := (rule->>'l')::double precision;
      END IF;
      used := used || one;
      quota := (rule->>'q')::double precision;
      -- Off by a part of a unit, and of a bucket by no more than a microsecond.
      fits := fits || (one + (rule->>'c')::double precision <= quota
        + CASE WHEN rule->>'a' = 'b' THEN least(0.0001, quota / (rule->>'w')::double precision) ELSE 0.0001 END);
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
    answer := answer || to_jsonb(now_us);
    FOR rule IN SELECT * FROM jsonb_array_elements(item->'r') LOOP
      answer := answer || to_jsonb(CASE WHEN rule->>'a' = 'b'
        THEN (SELECT given_us FROM headgate.limit_counts WHERE key = rule->>'k') ELSE 0 END);
    END LOOP;
    answers := answers || jsonb_build_array(answer);
  END LOOP;
  RETURN answers;
END
$$;
