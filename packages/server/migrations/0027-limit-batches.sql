-- owner: admission
-- Answers a batch in its order. An item is a decision {h: holder, s: when the asker last heard from here, r: [{k, a, q, w,
-- c: cost, s: shadow, l: least, where the count began since}]}, which is answered by [allowed, used, reset, retry, used, …, now,
-- given, …] in microseconds, retry -1 for never, given what was ever given back of a bucket; or a correction {h: holder, k, a, q,
-- w, d: change, t: when it was taken, or g: microseconds since, f: microseconds after which the bucket was full then, v: given
-- then}, which is not answered. What was taken before the count began, or came back of itself, is not given back.
--
-- All keys are locked first, in one order for all, and read once; the batch is counted in variables and written back once, so
-- that a burst on one key costs a row and not a statement per call.
CREATE OR REPLACE FUNCTION headgate.decide_limits(items jsonb) RETURNS jsonb
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  now_us double precision;
  item jsonb;
  rule jsonb;
  entry record;
  -- By number of the key, in the order of names.
  names text[];
  letters text[];
  quotas double precision[];
  windows double precision[];
  full_ats double precision[];
  givens double precision[];
  begans double precision[];
  -- Units of a window, calls under way.
  totals double precision[];
  changed boolean[];
  -- The parts of a window, each at its number modulo 61, and the number of the part of now.
  units double precision[][];
  latest bigint[];
  number_of jsonb;
  nr integer;
  slot integer;
  part bigint;
  rules integer;
  numbers integer[];
  used double precision[];
  fits boolean[];
  allowed boolean;
  answer double precision[];
  answers jsonb[] := '{}';
  one double precision;
  lacking double precision;
  so_far double precision;
  is_new boolean;
  reset double precision;
  retry double precision;
  quota double precision;
  cost double precision;
  change double precision;
  taken_us double precision;
BEGIN
  WITH asked AS (
    SELECT coalesce(rules_of, items_of) AS asked_rule
      FROM jsonb_array_elements(items) AS items_of LEFT JOIN LATERAL jsonb_array_elements(items_of->'r') AS rules_of ON true
  ), keys AS (
    SELECT DISTINCT ON (asked_rule->>'k') asked_rule->>'k' AS key, asked_rule->>'a' AS letter,
           (asked_rule->>'q')::double precision AS units, (asked_rule->>'w')::double precision AS window_us
      FROM asked WHERE asked_rule ? 'k' ORDER BY asked_rule->>'k'
  )
  SELECT array_agg(key ORDER BY key), array_agg(letter ORDER BY key), array_agg(numbered.units ORDER BY key),
         array_agg(window_us ORDER BY key), jsonb_object_agg(key, place)
    INTO names, letters, quotas, windows, number_of
    FROM (SELECT *, row_number() OVER (ORDER BY key) AS place FROM keys) AS numbered;
  IF names IS NULL THEN names := '{}'; END IF;
  INSERT INTO headgate.limit_counts (key) SELECT key FROM unnest(names) AS key ORDER BY key
    ON CONFLICT (key) DO UPDATE SET expires_at = greatest(headgate.limit_counts.expires_at, excluded.expires_at);
  now_us := extract(epoch FROM clock_timestamp()) * 1e6;

  totals := array_fill(0::double precision, ARRAY[cardinality(names)]);
  changed := array_fill(false, ARRAY[cardinality(names)]);
  units := array_fill(0::double precision, ARRAY[cardinality(names), 61]);
  SELECT array_agg(full_at ORDER BY key), array_agg(given_us ORDER BY key), array_agg(began_us ORDER BY key)
    INTO full_ats, givens, begans
    FROM headgate.limit_counts WHERE key = ANY (names);
  SELECT array_agg(CASE letter WHEN 'w' THEN floor(now_us * 60 / window_us)::bigint END ORDER BY place) INTO latest
    FROM unnest(letters, windows) WITH ORDINALITY AS key (letter, window_us, place);
  -- Where the clock was set back, what is of later counts as of now.
  FOR entry IN
    SELECT place, least(stored.number::bigint, latest[place]) AS number, stored.value::double precision AS value
      FROM unnest(names, letters) WITH ORDINALITY AS key (name, letter, place)
      JOIN headgate.limit_counts counts ON counts.key = key.name
     CROSS JOIN LATERAL jsonb_each_text(counts.parts) AS stored (number, value)
     WHERE letter = 'w' AND stored.number::bigint >= latest[place] - 60
  LOOP
    slot := entry.number % 61 + 1;
    units[entry.place][slot] := units[entry.place][slot] + entry.value;
    totals[entry.place] := totals[entry.place] + entry.value;
  END LOOP;
  IF 'c' = ANY (letters) THEN
    DELETE FROM headgate.limit_holdings WHERE key = ANY (names) AND expires_at <= clock_timestamp();
    FOR entry IN SELECT key, count(*) AS count FROM headgate.limit_holdings WHERE key = ANY (names) GROUP BY key LOOP
      totals[(number_of->>entry.key)::integer] := entry.count;
    END LOOP;
  END IF;

  FOR item IN SELECT * FROM jsonb_array_elements(items) LOOP
    IF item ? 'd' THEN
      nr := (number_of->>(item->>'k'))::integer;
      change := (item->>'d')::double precision;
      IF letters[nr] = 'c' THEN
        IF change < 0 THEN
          DELETE FROM headgate.limit_holdings WHERE key = names[nr] AND holder = item->>'h';
          IF FOUND THEN totals[nr] := totals[nr] - 1; END IF;
        ELSE
          INSERT INTO headgate.limit_holdings VALUES
            (names[nr], item->>'h', clock_timestamp() + make_interval(secs => windows[nr] / 1e6)) ON CONFLICT (key, holder)
            DO UPDATE SET expires_at = excluded.expires_at RETURNING xmax = 0 INTO is_new;
          IF is_new THEN totals[nr] := totals[nr] + 1; END IF;
        END IF;
        CONTINUE;
      END IF;
      taken_us := coalesce((item->>'t')::double precision, now_us - (item->>'g')::double precision);
      CONTINUE WHEN change < 0 AND taken_us < begans[nr];
      changed[nr] := true;
      IF letters[nr] = 'b' THEN
        one := change;
        IF change < 0 AND item->>'f' IS NOT NULL THEN
          one := greatest(change, least(0, now_us - taken_us - (item->>'f')::double precision
            + greatest(0, givens[nr] - coalesce((item->>'v')::double precision, 0))) * quotas[nr] / windows[nr]);
        END IF;
        IF change < 0 THEN givens[nr] := givens[nr] - change * windows[nr] / quotas[nr]; END IF;
        lacking := least(quotas[nr], greatest(0, full_ats[nr] - now_us) * quotas[nr] / windows[nr]);
        full_ats[nr] := now_us + greatest(0, lacking + one) * windows[nr] / quotas[nr];
      ELSE
        part := least(latest[nr], floor((CASE WHEN change < 0 THEN taken_us ELSE now_us END) * 60 / windows[nr])::bigint);
        IF part >= latest[nr] - 60 THEN
          slot := part % 61 + 1;
          one := greatest(-units[nr][slot], change);
          units[nr][slot] := units[nr][slot] + one;
          totals[nr] := totals[nr] + one;
        END IF;
      END IF;
      CONTINUE;
    END IF;

    rules := jsonb_array_length(item->'r');
    numbers := '{}'; used := '{}'; fits := '{}'; allowed := true;
    FOR index IN 1..rules LOOP
      rule := item->'r'->(index - 1);
      nr := (number_of->>(rule->>'k'))::integer;
      quota := (rule->>'q')::double precision;
      one := CASE letters[nr] WHEN 'b' THEN least(quota, greatest(0, full_ats[nr] - now_us) * quota / windows[nr]) ELSE totals[nr] END;
      IF (rule->>'l')::double precision > one AND begans[nr] > coalesce((item->>'s')::double precision, 0) THEN
        one := (rule->>'l')::double precision;
      END IF;
      numbers[index] := nr;
      used[index] := one;
      -- Off by a part of a unit, and of a bucket by no more than a microsecond.
      fits[index] := one + (rule->>'c')::double precision <= quota
        + CASE letters[nr] WHEN 'b' THEN least(0.0001, quota / windows[nr]) ELSE 0.0001 END;
      IF NOT fits[index] AND NOT (rule->>'s')::boolean THEN allowed := false; END IF;
    END LOOP;

    answer := array_fill(0::double precision, ARRAY[2 + rules * 4]);
    answer[1] := CASE WHEN allowed THEN 1 ELSE 0 END;
    answer[2 + rules * 3] := now_us;
    FOR index IN 1..rules LOOP
      rule := item->'r'->(index - 1);
      nr := numbers[index];
      quota := (rule->>'q')::double precision;
      cost := (rule->>'c')::double precision;
      one := used[index];
      IF allowed AND fits[index] THEN
        CASE letters[nr]
          WHEN 'b' THEN
            full_ats[nr] := now_us + (one + cost) * windows[nr] / quota;
            changed[nr] := true;
          WHEN 'w' THEN
            slot := latest[nr] % 61 + 1;
            units[nr][slot] := units[nr][slot] + cost;
            totals[nr] := totals[nr] + cost;
            changed[nr] := true;
          ELSE
            IF cost > 0 THEN
              INSERT INTO headgate.limit_holdings VALUES
                (names[nr], item->>'h', clock_timestamp() + make_interval(secs => windows[nr] / 1e6)) ON CONFLICT (key, holder)
                DO UPDATE SET expires_at = excluded.expires_at RETURNING xmax = 0 INTO is_new;
              IF is_new THEN totals[nr] := totals[nr] + 1; END IF;
            END IF;
        END CASE;
        one := one + cost;
      END IF;
      reset := 0; retry := 0;
      CASE letters[nr]
        WHEN 'b' THEN
          reset := one * windows[nr] / quota;
          IF NOT fits[index] THEN retry := (one + cost - quota) * windows[nr] / quota; END IF;
        WHEN 'w' THEN
          IF one > 0 THEN
            part := latest[nr];
            WHILE part > latest[nr] - 60 AND units[nr][part % 61 + 1] <= 1e-9 LOOP part := part - 1; END LOOP;
            reset := (part + 61) * windows[nr] / 60 - now_us;
          END IF;
          IF NOT fits[index] THEN
            so_far := 0; part := latest[nr] - 61; retry := windows[nr];
            WHILE part < latest[nr] LOOP
              part := part + 1;
              so_far := so_far + units[nr][part % 61 + 1];
              IF so_far > 0 AND so_far + 1e-9 >= one + cost - quota THEN
                retry := (part + 61) * windows[nr] / 60 - now_us;
                EXIT;
              END IF;
            END LOOP;
          END IF;
        ELSE
          IF NOT fits[index] THEN retry := 1e6; END IF;
      END CASE;
      IF NOT fits[index] AND cost > quota + 0.0001 THEN retry := -1; END IF;
      answer[index * 3 - 1] := one;
      answer[index * 3] := reset;
      answer[index * 3 + 1] := retry;
      answer[2 + rules * 3 + index] := CASE letters[nr] WHEN 'b' THEN givens[nr] ELSE 0 END;
    END LOOP;
    answers := answers || to_jsonb(answer);
  END LOOP;

  UPDATE headgate.limit_counts counts SET
         full_at = full_ats[key.place],
         given_us = givens[key.place],
         parts = CASE key.letter WHEN 'w' THEN (
           SELECT coalesce(jsonb_object_agg(number, units[key.place][number % 61 + 1]), '{}')
             FROM generate_series(latest[key.place] - 60, latest[key.place]) AS number
            WHERE units[key.place][number % 61 + 1] > 0) ELSE counts.parts END,
         expires_at = clock_timestamp() + make_interval(secs => 60 + CASE key.letter
           WHEN 'w' THEN windows[key.place] / 5e5 ELSE greatest(0, full_ats[key.place] - now_us) / 1e6 END)
    FROM unnest(names, letters) WITH ORDINALITY AS key (name, letter, place)
   WHERE counts.key = key.name AND changed[key.place];
  RETURN to_jsonb(answers);
END
$$;

DROP FUNCTION headgate.limit_used(jsonb, double precision);
DROP FUNCTION headgate.limit_add(jsonb, double precision, double precision, double precision, double precision, text);
DROP FUNCTION headgate.limit_leaves(jsonb, double precision, double precision);
