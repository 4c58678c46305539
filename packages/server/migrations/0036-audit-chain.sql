-- owner: audit
-- Each entry bears the hash of the one before it and its own, which is also its leaf in the Merkle tree (features/audit/leaf.ts).
-- Entries from before are chained by the first Headgate that writes one; until then their hashes are NULL.
ALTER TABLE headgate.audit_entries
  ADD COLUMN prev_hash bytea CHECK (octet_length(prev_hash) = 32),
  ADD COLUMN hash bytea CHECK (octet_length(hash) = 32),
  ADD CHECK ((hash IS NULL) = (prev_hash IS NULL));

-- `chained`: up to which entry; `hash`: of that one, 32 zeros before the first.
ALTER TABLE headgate.audit_head
  ADD COLUMN chained bigint NOT NULL DEFAULT 0,
  ADD COLUMN hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(hash) = 32),
  ADD CHECK (chained BETWEEN 0 AND seq);
-- The runtime role cannot write the head: entries move it. The right to one column that can have one value lets it lock the row.
REVOKE UPDATE ON headgate.audit_head FROM headgate_runtime;
GRANT UPDATE (id) ON headgate.audit_head TO headgate_runtime;

-- An entry follows the last one or is refused: no gap, no second entry of one number, no other predecessor.
CREATE FUNCTION headgate.append_audit_entry() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  UPDATE headgate.audit_head h SET seq = NEW.seq, chained = NEW.seq, hash = NEW.hash
   WHERE h.seq = NEW.seq - 1 AND h.chained = h.seq AND h.hash = NEW.prev_hash;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'an entry of the audit must follow the last one' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.append_audit_entry() FROM PUBLIC;
CREATE TRIGGER append BEFORE INSERT ON headgate.audit_entries
  FOR EACH ROW EXECUTE FUNCTION headgate.append_audit_entry();

-- Nobody changes or removes a row, whatever his rights; who may alter tables can take this away, and the checkpoints tell.
CREATE FUNCTION headgate.refuse_audit_change() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'audit_entries' THEN
    IF to_jsonb(OLD) ->> 'hash' IS NULL
       AND to_jsonb(OLD) - ARRAY['hash', 'prev_hash'] = to_jsonb(NEW) - ARRAY['hash', 'prev_hash'] THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the audit only grows' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON headgate.audit_entries
  FOR EACH ROW EXECUTE FUNCTION headgate.refuse_audit_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON headgate.audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION headgate.refuse_audit_change();

-- Gives the next entries from before the chain their hashes, in order, for the house (scope '*'). Returns how many.
CREATE FUNCTION headgate.chain_audit_entries(hashes bytea[]) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  head headgate.audit_head;
  one bytea;
BEGIN
  SELECT * INTO head FROM headgate.audit_head FOR UPDATE;
  FOREACH one IN ARRAY hashes LOOP
    UPDATE headgate.audit_entries SET prev_hash = head.hash, hash = one WHERE seq = head.chained + 1 AND hash IS NULL;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'entry % of the audit is missing or chained already', head.chained + 1;
    END IF;
    head.chained := head.chained + 1;
    head.hash := one;
  END LOOP;
  UPDATE headgate.audit_head h SET chained = head.chained, hash = head.hash;
  RETURN cardinality(hashes);
END
$$;
REVOKE EXECUTE ON FUNCTION headgate.chain_audit_entries(bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION headgate.chain_audit_entries(bytea[]) TO headgate_runtime;

-- Keys that sign checkpoints (Ed25519); the newest signs. The private key is sealed with a data key of the house.
CREATE TABLE headgate.audit_keys (
  version integer PRIMARY KEY CHECK (version > 0),
  -- Name of the log, as C2SP’s signed notes have it.
  name text NOT NULL,
  public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL
);

-- What was signed: the root of the tree of the first `size` entries.
CREATE TABLE headgate.audit_checkpoints (
  size bigint PRIMARY KEY CHECK (size > 0),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  -- The signed note, as it is copied out.
  note text NOT NULL,
  created_at timestamptz NOT NULL
);

-- Roots of complete subtrees of 256^level leaves, so that neither a checkpoint nor a proof reads every entry.
CREATE TABLE headgate.audit_subtrees (
  level smallint NOT NULL CHECK (level BETWEEN 1 AND 7),
  index bigint NOT NULL CHECK (index >= 0),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (level, index)
);

-- What witnesses say of a checkpoint: a line of a signed note each.
CREATE TABLE headgate.audit_cosignatures (
  size bigint NOT NULL REFERENCES headgate.audit_checkpoints (size),
  witness text NOT NULL,
  line text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (size, witness)
);
REVOKE UPDATE, DELETE ON headgate.audit_keys, headgate.audit_checkpoints, headgate.audit_subtrees, headgate.audit_cosignatures
  FROM headgate_runtime;

-- How far each place outside has its copies, and what went wrong last.
CREATE TABLE headgate.audit_copies (
  destination text PRIMARY KEY,
  size bigint NOT NULL DEFAULT 0,
  copied_at timestamptz,
  failure text,
  failed_at timestamptz
);
