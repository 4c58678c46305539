import type { TableMap } from '../data-map.ts'

const house = { personColumn: null, erasure: 'stays' } as const

const changes = (what: string): TableMap => ({
  activity: 'operation',
  purpose: `Tells replicas that ${what} changed.`,
  kept: 'one row, for ever',
  ...house,
  columns: { technical: ['id', 'revision'] },
})

/** Who may ask, and who may run this Headgate. */
export const peopleTables: Readonly<Record<string, TableMap>> = {
  projects: {
    activity: 'security',
    purpose: 'The tenants.',
    kept: 'until removed',
    ...house,
    columns: { technical: ['project_id', 'position', 'name', 'created_at'] },
  },
  api_keys: {
    activity: 'security',
    purpose: 'Keys of apps.',
    kept: 'for ever: the books name them',
    ...house,
    because: 'A key is an app’s, not a person’s.',
    columns: {
      technical: [
        ...['key_id', 'position', 'project_id', 'kind', 'name', 'tier', 'models', 'origins', 'state', 'budget_id'],
        ...['expires_at', 'created_at', 'changed_at', 'revision'],
      ],
      usage: ['last_used_at'],
    },
  },
  api_key_secrets: {
    activity: 'security',
    purpose: 'Digests of keys.',
    kept: 'until the secret is replaced or the key ends',
    ...house,
    columns: {
      technical: ['secret_id', 'key_id', 'project_id', 'pepper_id', 'created_at', 'expires_at'],
      secret: ['hash'],
    },
  },
  key_peppers: {
    activity: 'security',
    purpose: 'Generations of the pepper under which keys are hashed.',
    kept: 'for ever',
    ...house,
    columns: { technical: ['generation', 'created_at', 'retired_at'] },
  },
  key_sightings: {
    activity: 'security',
    purpose: 'Since when secrets of the configuration are there, by digests.',
    kept: '400 days after the secret was seen last',
    ...house,
    columns: {
      technical: ['kind', 'label', 'fingerprint', 'first_seen_at', 'last_seen_at', 'last_used_at'],
    },
  },
  admin_keys: {
    activity: 'security',
    purpose: 'The digest of the admin key.',
    kept: 'until it is replaced',
    ...house,
    columns: { technical: ['id', 'pepper_id', 'created_at', 'revision'], secret: ['hash'] },
  },
  operators: {
    activity: 'security',
    purpose: 'Who runs this Headgate.',
    kept: 'for ever: the audit names them',
    ...house,
    columns: { operator: ['operator_id', 'name'], technical: ['role', 'state', 'created_at', 'changed_at'] },
  },
  operator_sessions: {
    activity: 'security',
    purpose: 'Sessions of operators.',
    kept: 'until they end',
    ...house,
    columns: {
      operator: ['operator_id'],
      technical: ['session_id', 'created_at', 'expires_at', 'revoked_at'],
      secret: ['hash'],
    },
  },
  audit_entries: {
    activity: 'security',
    purpose: 'What operators did, each entry chained to the one before.',
    kept: 'for ever',
    ...house,
    columns: {
      operator: ['actor'],
      technical: [
        ...['seq', 'at', 'action', 'resource', 'project_id', 'before', 'after', 'request_id', 'reason', 'prev_hash'],
        'hash',
      ],
    },
  },
  audit_head: {
    activity: 'security',
    purpose: 'The end of the chain.',
    kept: 'one row, for ever',
    ...house,
    columns: { technical: ['id', 'seq', 'chained', 'hash'] },
  },
  audit_keys: {
    activity: 'security',
    purpose: 'Keys that sign checkpoints of the audit.',
    kept: 'for ever: what they signed is verified by them',
    ...house,
    columns: { technical: ['version', 'name', 'public_key', 'created_at'], secret: ['sealed'] },
  },
  audit_checkpoints: {
    activity: 'security',
    purpose: 'What was signed of the audit.',
    kept: 'for ever',
    ...house,
    columns: { technical: ['size', 'root', 'note', 'created_at'] },
  },
  audit_subtrees: {
    activity: 'security',
    purpose: 'Sums of the tree over the audit.',
    kept: 'for ever',
    ...house,
    columns: { technical: ['level', 'index', 'hash'] },
  },
  audit_cosignatures: {
    activity: 'security',
    purpose: 'What witnesses say of checkpoints.',
    kept: 'for ever',
    ...house,
    columns: { technical: ['size', 'witness', 'line', 'created_at'] },
  },
  audit_copies: {
    activity: 'operation',
    purpose: 'How far copies of the audit are.',
    kept: 'a row for each place',
    ...house,
    columns: { technical: ['destination', 'size', 'copied_at', 'failure', 'failed_at'] },
  },
  privacy_erasures: {
    activity: 'security',
    purpose: 'Who asked for an erasure, and the proof that it was done.',
    kept: 'for ever: it proves what was done',
    ...house,
    because:
      'The name goes with the last pass; a keyed digest stays, by which the person can be found again after a backup was restored.',
    columns: {
      person: ['subject', 'sealed'],
      operator: ['requested_by'],
      technical: [
        ...['project_id', 'erasure_id', 'pseudonym', 'passes', 'touched', 'requested_at', 'next_pass_at', 'done_at'],
        ...['receipt', 'signature'],
      ],
    },
  },
  privacy_requests: {
    activity: 'security',
    purpose: 'What people asked for of their data, and when it was answered.',
    kept: 'for ever: it proves what was done',
    ...house,
    because:
      'The name goes once the request is answered; a keyed digest stays. An erasure ends what is under way, and takes the archives.',
    columns: {
      person: ['subject', 'sealed'],
      operator: ['requested_by'],
      technical: [
        ...['project_id', 'request_id', 'kind', 'law', 'asker_id', 'state', 'target_at', 'confirm_at', 'due_at'],
        ...['extended_at', 'erasure_id', 'turn', 'next_at', 'attempts', 'archive_bytes', 'archive_sha256'],
        'archive_until',
      ],
      usage: ['received_at', 'completed_at'],
    },
  },
  privacy_archive_pieces: {
    activity: 'security',
    purpose: 'Which objects the archive of somebody’s data is made of; they are sealed.',
    kept: '`privacy.archive_days`',
    ...house,
    because: 'Names no person; goes with the archive.',
    columns: { technical: ['project_id', 'request_id', 'turn', 'position', 'object', 'bytes'] },
  },
  privacy_holds: {
    activity: 'security',
    purpose: 'What must not be erased for now, and why.',
    kept: 'for ever: it proves why something was not erased',
    ...house,
    because: 'Has a digest only; goes for nobody, since it tells why an erasure waited.',
    columns: {
      person: ['subject'],
      operator: ['created_by'],
      technical: ['project_id', 'hold_id', 'reason', 'created_at', 'expires_at', 'released_at'],
    },
  },
  safety_policies: {
    activity: 'security',
    purpose: 'What is checked of the calls of a project.',
    kept: 'until removed',
    ...house,
    columns: { technical: ['project_id', 'policy', 'changed_at'] },
  },
  privacy_held: {
    activity: 'security',
    purpose: 'Whose data legal holds keep, so that purges leave it alone.',
    kept: 'while the hold is open',
    personColumn: 'subject',
    erasure: 'delete',
    columns: { person: ['subject'], technical: ['project_id', 'hold_id', 'until'] },
  },
  retention_records: {
    activity: 'security',
    purpose: 'What ended because it was old enough: counts and times, signed.',
    kept: 'for ever: it proves what was done',
    ...house,
    columns: { technical: ['project_id', 'record_id', 'started_at', 'record', 'signature'] },
  },
  issuers: {
    activity: 'security',
    purpose: 'Who vouches for people.',
    kept: 'until removed',
    ...house,
    columns: { technical: ['project_id', 'name', 'issuer', 'changed_at'] },
  },
  user_secrets: {
    activity: 'security',
    purpose: 'Which secrets sign the names of people; the secrets follow from the root key.',
    kept: 'until they end',
    ...house,
    columns: { technical: ['secret_id', 'project_id', 'pepper_id', 'created_at', 'expires_at'] },
  },
  access_rules: {
    activity: 'security',
    purpose: 'From which addresses and countries may be called.',
    kept: 'until changed',
    ...house,
    columns: { technical: ['id', 'access', 'changed_at'] },
  },
  data_keys: {
    activity: 'security',
    purpose: 'Keys of projects and of people, wrapped.',
    kept: 'until the project goes, or the person is erased: what is sealed with it is gone then, wherever a copy is',
    personColumn: 'subject',
    erasure: 'delete',
    columns: {
      person: ['subject'],
      technical: ['project_id', 'purpose', 'version', 'key_version', 'uses', 'created_at'],
      secret: ['wrapped'],
    },
  },
  encryption_keys: {
    activity: 'security',
    purpose: 'Keys that wrap the keys of projects, themselves wrapped.',
    kept: 'until no data key needs them',
    ...house,
    columns: { technical: ['version', 'root_id', 'created_at', 'destroyed_at'], secret: ['wrapped'] },
  },
  provenance_roots: {
    activity: 'security',
    purpose: 'Certificates that sign pictures and sound.',
    kept: 'for ever: what they signed is verified by them',
    ...house,
    columns: { technical: ['version', 'certificate', 'created_at', 'revoked_at'], secret: ['sealed'] },
  },
  identity_changes: changes('keys'),
  safety_changes: changes('safety policies of projects'),
  people_changes: changes('issuers and secrets of people'),
}
