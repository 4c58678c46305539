-- owner: kernel
-- Data keys of people: what is sealed for one person is gone with the key. '' is the project's own.
ALTER TABLE headgate.data_keys ADD COLUMN subject text NOT NULL DEFAULT '';
ALTER TABLE headgate.data_keys DROP CONSTRAINT data_keys_pkey, ADD PRIMARY KEY (project_id, purpose, subject, version);
