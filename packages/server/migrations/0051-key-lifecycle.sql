-- owner: key-lifecycle
-- Since when a secret is there that does not say how old it is: by a keyed digest of it, which tells nothing of it.
CREATE TABLE headgate.key_sightings (
  kind text NOT NULL CHECK (kind IN ('root_key', 'admin_key', 'provider_key', 'configured_secret')),
  label text NOT NULL,
  fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{12}$'),
  first_seen_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  -- To the hour.
  last_used_at timestamptz,
  PRIMARY KEY (kind, label, fingerprint)
);
