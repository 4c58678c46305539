-- owner: kernel
-- What every feature's migration stands on. The schema, the role headgate_runtime, its default privileges and the
-- table headgate.migrations are made before (kernel/migrate-bootstrap.ts), because they are needed to record this file.

-- On whose behalf the transaction runs: a project's id, '*' for the house itself, NULL or '' when nothing was said.
CREATE FUNCTION headgate.scope() RETURNS text
  LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT pg_catalog.current_setting('headgate.scope', true) $$;

-- Keeps the tenants of a table apart, its present partitions included: a partition asked by its own name does not
-- pass its parent's policy.
CREATE FUNCTION headgate.protect_tenant_table(target regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  member regclass;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = target AND attname = 'project_id'
                   AND atttypid = 'text'::regtype AND attnotnull AND NOT attisdropped) THEN
    RAISE EXCEPTION '% needs a column project_id text NOT NULL', target;
  END IF;
  FOR member IN SELECT target UNION SELECT relid FROM pg_partition_tree(target) LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', member);
    EXECUTE format('DROP POLICY IF EXISTS tenant ON %s', member);
    EXECUTE format(
      'CREATE POLICY tenant ON %s USING (project_id = (SELECT headgate.scope()) OR (SELECT headgate.scope()) = ''*'') '
      'WITH CHECK (project_id = (SELECT headgate.scope()) OR (SELECT headgate.scope()) = ''*'')', member);
  END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.protect_tenant_table(regclass) FROM PUBLIC;

-- Makes the monthly partitions (UTC) of a table partitioned by range of one timestamptz or date column: this month
-- and months_ahead more. A partition takes over its parent's protection and the runtime role's rights, so that an
-- append-only table's partitions are append-only too. Returns how many were made. Runs as the tables' owner, so that
-- the runtime role, which may create nothing, can call it daily.
CREATE FUNCTION headgate.ensure_monthly_partitions(target regclass, months_ahead integer DEFAULT 2) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
  AS $$
DECLARE
  parent record;
  first_day date;
  partition_name text;
  made integer := 0;
BEGIN
  SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS protected INTO parent
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.oid = target AND c.relkind = 'p' AND n.nspname = 'headgate';
  IF NOT FOUND THEN
    RAISE EXCEPTION '% is not a partitioned table of the schema headgate', target;
  END IF;
  IF months_ahead NOT BETWEEN 0 AND 24 THEN
    RAISE EXCEPTION 'months_ahead must be between 0 and 24';
  END IF;
  -- Two callers at once: the second waits and then finds everything made.
  PERFORM pg_advisory_xact_lock(hashtextextended('headgate partitions ' || target::oid, 0));
  FOR ahead IN 0..months_ahead LOOP
    first_day := (date_trunc('month', now()) + make_interval(months => ahead))::date;
    partition_name := parent.relname || to_char(first_day, '"_y"YYYY"m"MM');
    CONTINUE WHEN to_regclass(format('headgate.%I', partition_name)) IS NOT NULL;
    EXECUTE format('CREATE TABLE headgate.%I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)', partition_name, target,
      first_day || ' 00:00:00+00', (first_day + interval '1 month')::date || ' 00:00:00+00');
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
REVOKE EXECUTE ON FUNCTION headgate.ensure_monthly_partitions(regclass, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION headgate.ensure_monthly_partitions(regclass, integer) TO headgate_runtime;
