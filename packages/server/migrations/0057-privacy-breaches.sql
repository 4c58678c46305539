-- owner: privacy
-- Breaches of personal data, by the clock of the GDPR (Article 33). They are of the house, which may concern several projects; no person is named.
CREATE TABLE headgate.privacy_breaches (
  breach_id text COLLATE "C" PRIMARY KEY,
  title text NOT NULL,
  description text,
  -- Concerned projects; none: all.
  projects text[] NOT NULL,
  -- Concerned tables of the data map; none: all that name people.
  tables text[] NOT NULL,
  risk text NOT NULL CHECK (risk IN ('unknown', 'unlikely', 'likely', 'high')),
  aware_at timestamptz NOT NULL,
  notify_by timestamptz NOT NULL,
  notified_at timestamptz,
  -- What the authority calls it, and why it was told late.
  reference text,
  delay_reason text,
  people_told_at timestamptz,
  closed_at timestamptz,
  opened_by text NOT NULL,
  opened_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX privacy_breaches_due ON headgate.privacy_breaches (notify_by)
  WHERE notified_at IS NULL AND closed_at IS NULL AND risk <> 'unlikely';
