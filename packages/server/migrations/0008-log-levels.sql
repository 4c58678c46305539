-- owner: log-levels
-- Levels of the log that operators set while the house runs; what has no row follows the configuration.
CREATE TABLE headgate.log_levels (
  component text PRIMARY KEY,
  level text NOT NULL CHECK (level IN ('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent')),
  updated_at timestamptz NOT NULL DEFAULT now()
);
