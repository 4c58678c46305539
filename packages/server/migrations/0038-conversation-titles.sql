-- owner: conversations
-- Keyed digests of the words of a title, to find it by; a session from before has them once it has changed.
ALTER TABLE headgate.conversation_sessions ADD COLUMN title_words bytea[] NOT NULL DEFAULT '{}';
-- What has not changed for as long as it is kept.
CREATE INDEX conversation_sessions_age ON headgate.conversation_sessions (updated_at, session_id);
