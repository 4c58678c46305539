-- owner: ledger
-- What answers from the cache would have cost; null: the call was made.
ALTER TABLE headgate.ledger_entries ADD COLUMN saved_nano bigint CHECK (saved_nano >= 0);
ALTER TABLE headgate.usage_hours ADD COLUMN saved_nano bigint NOT NULL DEFAULT 0;
ALTER TABLE headgate.usage_days ADD COLUMN saved_nano bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION headgate.add_usage_hours() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  -- In one order, so that no two transactions wait for each other.
  INSERT INTO headgate.usage_hours AS held (hour, project_id, key_id, user_name, target, requests, estimated_requests,
      unpriced_requests, input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_tokens,
      cost_nano, adjustments_nano, images, audio_ms, characters, saved_nano)
  SELECT date_bin('1 hour', at, to_timestamp(0)), project_id, key_id, coalesce(user_name, ''), target,
      count(*) FILTER (WHERE kind = 'call'),
      count(*) FILTER (WHERE kind = 'call' AND estimated),
      count(*) FILTER (WHERE kind = 'call' AND cost_nano IS NULL),
      sum(input_tokens), sum(cached_input_tokens), sum(cache_write_input_tokens), sum(output_tokens), sum(reasoning_tokens),
      coalesce(sum(cost_nano), 0),
      coalesce(sum(cost_nano) FILTER (WHERE kind = 'adjustment'), 0),
      sum(images), sum(audio_ms), sum(characters), coalesce(sum(saved_nano), 0)
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
    adjustments_nano = held.adjustments_nano + excluded.adjustments_nano,
    images = held.images + excluded.images,
    audio_ms = held.audio_ms + excluded.audio_ms,
    characters = held.characters + excluded.characters,
    saved_nano = held.saved_nano + excluded.saved_nano;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION headgate.add_usage_days() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  -- In one order, so that no two transactions wait for each other.
  INSERT INTO headgate.usage_days AS held (day, project_id, key_id, user_name, target, requests, estimated_requests,
      unpriced_requests, input_tokens, cached_input_tokens, cache_write_input_tokens, output_tokens, reasoning_tokens,
      images, audio_ms, characters, cost_nano, adjustments_nano, saved_nano)
  SELECT date_bin('1 day', at, to_timestamp(0)), project_id, key_id, coalesce(user_name, ''), target,
      count(*) FILTER (WHERE kind = 'call'),
      count(*) FILTER (WHERE kind = 'call' AND estimated),
      count(*) FILTER (WHERE kind = 'call' AND cost_nano IS NULL),
      sum(input_tokens), sum(cached_input_tokens), sum(cache_write_input_tokens), sum(output_tokens), sum(reasoning_tokens),
      sum(images), sum(audio_ms), sum(characters),
      coalesce(sum(cost_nano), 0),
      coalesce(sum(cost_nano) FILTER (WHERE kind = 'adjustment'), 0),
      coalesce(sum(saved_nano), 0)
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
    adjustments_nano = held.adjustments_nano + excluded.adjustments_nano,
    saved_nano = held.saved_nano + excluded.saved_nano;
  RETURN NULL;
END
$$;
