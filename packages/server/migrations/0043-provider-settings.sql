-- owner: providers
-- What only some kinds of providers have: voices, templates, the models that one lists, whether pictures are fetched for it. Nothing of it is secret.
ALTER TABLE headgate.providers ADD COLUMN settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object');
