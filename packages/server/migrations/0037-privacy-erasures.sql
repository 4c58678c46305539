-- owner: privacy
-- Erasures of people: what was asked for, how far it is, and the receipt of its end.
CREATE TABLE headgate.privacy_erasures (
  project_id text NOT NULL,
  erasure_id text COLLATE "C" NOT NULL,
  -- A keyed digest of the name: says whom it was without saying who.
  subject bytea NOT NULL,
  -- What stands in the books instead of the name; each pass adds something of its own.
  pseudonym text NOT NULL,
  -- The name, until the last pass is through.
  sealed bytea,
  passes integer NOT NULL DEFAULT 0,
  -- Rows touched so far, by table.
  touched jsonb NOT NULL DEFAULT '{}',
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL,
  -- When what is left is looked for; null once it is done.
  next_pass_at timestamptz,
  done_at timestamptz,
  receipt text,
  signature bytea,
  PRIMARY KEY (project_id, erasure_id)
);
CREATE UNIQUE INDEX privacy_erasures_open ON headgate.privacy_erasures (project_id, subject) WHERE next_pass_at IS NOT NULL;
CREATE INDEX privacy_erasures_next ON headgate.privacy_erasures (next_pass_at) WHERE next_pass_at IS NOT NULL;
SELECT headgate.protect_tenant_table('headgate.privacy_erasures');

-- Gives what a person used on one day, the earliest that has the name, to a pseudonym: the books and all that was added up of
-- them in one transaction, so that their sums go on to agree. Says how many rows; null when no day has the name any more.
CREATE FUNCTION headgate.unname_usage_day(project text, person text, pseudonym text) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
  AS $$
DECLARE
  first_day timestamptz;
  touched integer := 0;
  rows integer;
BEGIN
  SELECT min(found.day) INTO first_day FROM (
    SELECT min(day) AS day FROM headgate.usage_days WHERE project_id = project AND user_name = person
    UNION ALL
    SELECT min(day) FROM headgate.ledger_sealed_days WHERE project_id = project AND user_name = person) found;
  IF first_day IS NULL THEN
    RETURN NULL;
  END IF;
  UPDATE headgate.ledger_entries SET user_name = pseudonym
   WHERE project_id = project AND user_name = person AND at >= first_day AND at < first_day + interval '1 day';
  GET DIAGNOSTICS rows = ROW_COUNT;
  touched := touched + rows;
  UPDATE headgate.usage_hours SET user_name = pseudonym
   WHERE project_id = project AND user_name = person AND hour >= first_day AND hour < first_day + interval '1 day';
  GET DIAGNOSTICS rows = ROW_COUNT;
  touched := touched + rows;
  UPDATE headgate.usage_days SET user_name = pseudonym
   WHERE project_id = project AND user_name = person AND day = first_day;
  GET DIAGNOSTICS rows = ROW_COUNT;
  touched := touched + rows;
  UPDATE headgate.ledger_sealed_days SET user_name = pseudonym
   WHERE project_id = project AND user_name = person AND day = first_day;
  GET DIAGNOSTICS rows = ROW_COUNT;
  RETURN touched + rows;
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.unname_usage_day(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION headgate.unname_usage_day(text, text, text) TO headgate_runtime;
