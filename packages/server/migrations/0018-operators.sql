-- owner: operators
-- Who runs this Headgate, and the sessions by which they prove it. Operators stay when they are disabled: the audit names them.
CREATE TABLE headgate.operators (
  operator_id text PRIMARY KEY CHECK (operator_id ~ '^op_[0-9A-Z]{26}$'),
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'analyst', 'support')),
  state text NOT NULL CHECK (state IN ('active', 'disabled')),
  created_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL
);
REVOKE DELETE ON headgate.operators FROM headgate_runtime;

-- HMAC-SHA-256 of the whole token under the pepper.
CREATE TABLE headgate.operator_sessions (
  session_id text PRIMARY KEY CHECK (session_id ~ '^ses_[0-9A-Z]{26}$'),
  operator_id text NOT NULL REFERENCES headgate.operators,
  hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX operator_sessions_operator ON headgate.operator_sessions (operator_id);
