-- owner: providers
-- The API version of a provider of kind azure that is called by deployments.
ALTER TABLE headgate.providers ADD COLUMN api_version text;

-- Providers that operators took out of use, by name: of the configuration as well as their own.
CREATE TABLE headgate.provider_switches (
  name text PRIMARY KEY,
  off_at timestamptz NOT NULL
);
