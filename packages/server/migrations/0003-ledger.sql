-- owner: ledger
-- What calls cost, and what may still be spent. Money is nano-USD. Entries are append-only for the runtime role.

-- One billable row per logical request (kind 'call'); what corrects it is a row of another kind.
CREATE TABLE headgate.ledger_entries (
  request_id text NOT NULL,
  kind text NOT NULL DEFAULT 'call' CHECK (kind IN ('call', 'correction', 'adjustment')),
  -- When the request came: decided by its intent, so that a row sent twice meets itself.
  at timestamptz NOT NULL,
  client_request_id text NOT NULL,
  project_id text NOT NULL,
  key_id text NOT NULL,
  user_name text,
  operation text NOT NULL,
  target text NOT NULL,
  provider text NOT NULL,
  model text NOT NULL,
  stream boolean NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('complete', 'failed', 'client_gone', 'upstream_cut', 'timeout', 'killed')),
  estimated boolean NOT NULL,
  input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
  cached_input_tokens bigint NOT NULL CHECK (cached_input_tokens >= 0),
  output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
  reasoning_tokens bigint NOT NULL CHECK (reasoning_tokens >= 0),
  -- NULL when no price is known.
  cost_nano bigint,
  price_version text,
  fault text,
  attempts smallint NOT NULL CHECK (attempts >= 0),
  duration_ms integer NOT NULL CHECK (duration_ms >= 0),
  first_byte_ms integer CHECK (first_byte_ms >= 0),
  budget_id text,
  budget_window timestamptz,
  written_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (request_id, kind, at),
  CHECK (kind <> 'call' OR cost_nano IS NULL OR cost_nano >= 0),
  CHECK ((budget_id IS NULL) = (budget_window IS NULL))
) PARTITION BY RANGE (at);

CREATE INDEX ledger_entries_by_project ON headgate.ledger_entries (project_id, at, request_id);
CREATE INDEX ledger_entries_by_client_id ON headgate.ledger_entries (project_id, client_request_id);
CREATE INDEX ledger_entries_by_budget ON headgate.ledger_entries (budget_id, budget_window) WHERE budget_id IS NOT NULL;

-- Each try at a provider, under the billable row it served.
CREATE TABLE headgate.request_attempts (
  request_id text NOT NULL,
  attempt smallint NOT NULL CHECK (attempt > 0),
  at timestamptz NOT NULL,
  project_id text NOT NULL,
  target text NOT NULL,
  -- HTTP status of the provider; 0 when none came.
  status smallint NOT NULL,
  duration_ms integer NOT NULL CHECK (duration_ms >= 0),
  fault text,
  PRIMARY KEY (request_id, attempt, at)
) PARTITION BY RANGE (at);

REVOKE UPDATE, DELETE, TRUNCATE ON headgate.ledger_entries, headgate.request_attempts FROM headgate_runtime;

-- A clock that was far off must not hold up the ledger: what fits no month lands here.
CREATE TABLE headgate.ledger_entries_other PARTITION OF headgate.ledger_entries DEFAULT;
CREATE TABLE headgate.request_attempts_other PARTITION OF headgate.request_attempts DEFAULT;
REVOKE UPDATE, DELETE, TRUNCATE ON headgate.ledger_entries_other, headgate.request_attempts_other FROM headgate_runtime;

SELECT headgate.ensure_monthly_partitions('headgate.ledger_entries', 2);
SELECT headgate.ensure_monthly_partitions('headgate.request_attempts', 2);
SELECT headgate.protect_tenant_table('headgate.ledger_entries');
SELECT headgate.protect_tenant_table('headgate.request_attempts');

-- What a key may spend per window (UTC).
CREATE TABLE headgate.budgets (
  id text PRIMARY KEY,
  project_id text NOT NULL,
  limit_nano bigint NOT NULL CHECK (limit_nano >= 0),
  budget_window text NOT NULL CHECK (budget_window IN ('total', 'hour', 'day', 'month')),
  updated_at timestamptz NOT NULL DEFAULT now()
);
SELECT headgate.protect_tenant_table('headgate.budgets');

-- One row per window that saw a call: a window begins by being new, so that it cannot be reset twice.
-- spent_nano is the sum of its entries, leased_nano the sum of its leases.
CREATE TABLE headgate.budget_windows (
  budget_id text NOT NULL REFERENCES headgate.budgets (id) ON DELETE CASCADE,
  window_start timestamptz NOT NULL,
  project_id text NOT NULL,
  spent_nano bigint NOT NULL DEFAULT 0 CHECK (spent_nano >= 0),
  leased_nano bigint NOT NULL DEFAULT 0 CHECK (leased_nano >= 0),
  PRIMARY KEY (budget_id, window_start)
) WITH (fillfactor = 70);
SELECT headgate.protect_tenant_table('headgate.budget_windows');

-- Money of a window that one replica may reserve from by itself. The id is new with each lease, so that a replica that
-- was thought dead and comes back cannot touch what has been given to others since.
CREATE TABLE headgate.leases (
  id text PRIMARY KEY,
  budget_id text NOT NULL,
  window_start timestamptz NOT NULL,
  project_id text NOT NULL,
  replica_id text NOT NULL,
  -- New with each process of the replica: tells the leases of one that died from those of its successor.
  epoch text NOT NULL,
  amount_nano bigint NOT NULL CHECK (amount_nano >= 0),
  heartbeat_at timestamptz NOT NULL DEFAULT now(),
  -- Set by a replica that ran short; the holder gives back what lies idle and clears it.
  wanted_at timestamptz,
  FOREIGN KEY (budget_id, window_start) REFERENCES headgate.budget_windows (budget_id, window_start) ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE INDEX leases_by_window ON headgate.leases (budget_id, window_start);
CREATE INDEX leases_by_replica ON headgate.leases (replica_id);
SELECT headgate.protect_tenant_table('headgate.leases');
