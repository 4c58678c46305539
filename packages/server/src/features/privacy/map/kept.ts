import type { TableMap } from '../data-map.ts'

const deleted = (personColumn: string) => ({ personColumn, erasure: 'delete' }) as const
/** Rows that go with the row that they belong to. */
const follows = (owner: string) => ({
  personColumn: null,
  erasure: 'stays' as const,
  because: `Goes with its row of ${owner}.`,
})
const place = ['project_id', 'session_id', 'message_id']
const sessionsKept = 'until the person or the app deletes it, at most `sessions.keep_days` after its last change'

/** What people said and got, where it is kept. */
export const keptTables: Readonly<Record<string, TableMap>> = {
  conversation_owners: {
    activity: 'conversations',
    purpose: 'Whose sessions there are, and how many.',
    kept: 'until the person is erased',
    ...deleted('subject'),
    columns: {
      person: ['subject'],
      technical: ['project_id', 'last_change', 'forgotten_change'],
      usage: ['sessions', 'bytes'],
    },
  },
  conversation_sessions: {
    activity: 'conversations',
    purpose: 'Conversations of people: settings, title, folder.',
    kept: sessionsKept,
    ...deleted('subject'),
    columns: {
      person: ['subject'],
      technical: ['project_id', 'session_id', 'change', 'active_leaf', 'folder', 'title_words'],
      content: ['sealed'],
      usage: ['pinned', 'archived', 'messages', 'bytes', 'created_at', 'updated_at'],
    },
  },
  conversation_messages: {
    activity: 'conversations',
    purpose: 'What was said in a conversation.',
    kept: sessionsKept,
    ...deleted('subject'),
    columns: {
      person: ['subject'],
      technical: [...place, 'parent_id', 'change', 'role', 'status', 'held_until'],
      content: ['sealed'],
      usage: ['tokens', 'bytes', 'created_at'],
    },
  },
  conversation_summaries: {
    activity: 'conversations',
    purpose: 'What the older messages of a conversation came to.',
    kept: 'as long as the messages',
    ...follows('conversation_messages'),
    columns: { technical: place, content: ['sealed'], usage: ['tokens', 'created_at'] },
  },
  conversation_texts: {
    activity: 'conversations',
    purpose: 'Words by which messages are found; not sealed.',
    kept: 'as long as the messages',
    ...follows('conversation_messages'),
    columns: { technical: place, content: ['search'] },
  },
  conversation_tombstones: {
    activity: 'conversations',
    purpose: 'What was deleted, for devices that do not know yet.',
    kept: '`sessions.tombstone_days`',
    ...deleted('subject'),
    columns: { person: ['subject'], technical: [...place, 'change'], usage: ['deleted_at'] },
  },
  responses: {
    activity: 'conversations',
    purpose: 'Responses that can be read again or gone on from.',
    kept: '`responses.keep_days`',
    ...deleted('subject'),
    columns: {
      person: ['subject', 'holder'],
      technical: ['project_id', 'response_id', 'previous_id', 'turn', 'held_until', 'expires_at'],
      content: ['sealed'],
      usage: ['created_at'],
    },
  },
  idempotency_keys: {
    activity: 'answering',
    purpose: 'Answers kept for retries of the same request.',
    kept: '`idempotency.keep_hours`',
    ...deleted('subject'),
    columns: {
      person: ['subject'],
      technical: ['project_id', 'lookup', 'fingerprint', 'turn', 'held_until', 'expires_at'],
      content: ['sealed'],
      usage: ['created_at'],
    },
  },
  cached_answers: {
    activity: 'answering',
    purpose: 'Answers given again to the same question, where PostgreSQL keeps them.',
    kept: 'as long as the request allows',
    personColumn: 'subject',
    erasure: 'stays',
    because: 'The person is a digest; an erasure goes through the cache itself, whichever store it has.',
    columns: {
      person: ['subject'],
      technical: ['project_id', 'lookup', 'key_id', 'turn', 'held_until', 'expires_at'],
      content: ['sealed'],
    },
  },
  cache_purges: {
    activity: 'operation',
    purpose: 'Tells replicas what their caches have to forget.',
    kept: 'a day',
    personColumn: 'subject',
    erasure: 'stays',
    because: 'A digest, and the order to forget; gone within a day.',
    columns: { person: ['subject'], technical: ['id', 'at', 'project', 'key_id'] },
  },
  asset_owners: {
    activity: 'conversations',
    purpose: 'How many bytes somebody owns.',
    kept: 'until the person is erased',
    ...deleted('subject'),
    columns: { person: ['subject'], technical: ['project_id'], usage: ['bytes'] },
  },
  assets: {
    activity: 'conversations',
    purpose: 'Contents that people own: names and metadata, sealed.',
    kept: 'until the person or the app deletes it',
    personColumn: 'subject',
    erasure: 'feature',
    columns: {
      person: ['subject'],
      technical: ['project_id', 'asset_id', 'version'],
      content: ['details'],
      usage: ['created_at', 'updated_at'],
    },
  },
  asset_versions: {
    activity: 'conversations',
    purpose: 'Versions of contents.',
    kept: 'as long as the asset, and no more than `assets.versions`',
    ...follows('assets'),
    columns: {
      technical: ['project_id', 'asset_id', 'version', 'digest', 'type', 'charset', 'was_scanned'],
      usage: ['bytes', 'created_at'],
    },
  },
  asset_blobs: {
    activity: 'conversations',
    purpose: 'Contents by their digests; the bytes stand outside the database, sealed.',
    kept: 'as long as an asset has them',
    ...follows('assets'),
    columns: { technical: ['project_id', 'digest'], usage: ['bytes', 'created_at'] },
  },
  asset_uploads: {
    activity: 'conversations',
    purpose: 'Uploads under way.',
    kept: '`assets.upload_hours`',
    personColumn: 'subject',
    erasure: 'feature',
    columns: {
      person: ['subject'],
      technical: ['project_id', 'upload_id', 'asset_id', 'is_new', 'role', 'chunks', 'version', 'expires_at'],
      content: ['details'],
      usage: ['length', 'received', 'created_at'],
    },
  },
  asset_chunks: {
    activity: 'conversations',
    purpose: 'Which objects contents are made of.',
    kept: 'as long as the content',
    ...follows('assets and asset_uploads'),
    columns: { technical: ['project_id', 'holder', 'position', 'object', 'digest'], usage: ['bytes'] },
  },
  asset_doomed: {
    activity: 'operation',
    purpose: 'Objects that are about to be erased.',
    kept: 'minutes',
    ...follows('asset_chunks'),
    columns: { technical: ['project_id', 'object', 'due_at'] },
  },
  files: {
    activity: 'conversations',
    purpose: 'Files of projects.',
    kept: 'until deleted, or as its upload says',
    personColumn: null,
    erasure: 'stays',
    because: 'Belong to the project and its key, not to a person.',
    columns: {
      technical: ['project_id', 'file_id', 'key_id', 'purpose', 'created_at', 'expires_at'],
      content: ['name'],
      usage: ['bytes'],
    },
  },
  file_pieces: {
    activity: 'conversations',
    purpose: 'The bytes of files.',
    kept: 'as long as the file',
    ...follows('files'),
    columns: { technical: ['project_id', 'file_id', 'piece'], content: ['sealed'] },
  },
  batches: {
    activity: 'answering',
    purpose: 'Many calls asked for at once.',
    kept: '`batches.keep_days`',
    ...deleted('subject'),
    columns: {
      person: ['subject'],
      technical: [
        ...['project_id', 'batch_id', 'key_id', 'endpoint', 'input_file_id', 'completion_window', 'output_seconds'],
        ...['status', 'errors', 'output_file_id', 'error_file_id', 'held_by', 'held_until', 'expires_at'],
      ],
      content: ['metadata'],
      usage: [
        ...['total', 'completed', 'failed', 'created_at', 'in_progress_at', 'finalizing_at', 'completed_at'],
        ...['failed_at', 'expired_at', 'cancelling_at', 'cancelled_at'],
      ],
    },
  },
  batch_lines: {
    activity: 'answering',
    purpose: 'Answers of a batch under way.',
    kept: 'until the batch ends',
    ...follows('batches'),
    columns: { technical: ['project_id', 'batch_id', 'line', 'succeeded'], content: ['sealed'] },
  },
  request_bodies: {
    activity: 'operation',
    purpose: 'Bodies of requests and answers, where an operator turned that on.',
    kept: '`body_log.keep_days`',
    personColumn: null,
    erasure: 'stays',
    because: 'Sealed without a name; goes with its day, by dropping the partition.',
    columns: { technical: ['id', 'project_id'], content: ['sealed'], usage: ['at'] },
  },
  requests: {
    activity: 'operation',
    purpose: 'What requests went through: failed, slow and sampled ones.',
    kept: '`requests.keep_days`',
    personColumn: null,
    erasure: 'stays',
    because: 'Names keys, no people; goes with its day.',
    columns: {
      technical: ['id', 'request_id', 'project_id', 'key_id', 'tier', 'estimated', 'kept', 'trace_id', 'trace'],
      usage: [
        ...['at', 'method', 'route', 'status', 'code', 'operation', 'asked_model', 'provider', 'model', 'stream'],
        ...['outcome', 'input_tokens', 'output_tokens', 'cost_nano', 'duration_ms', 'first_byte_ms', 'slowest'],
        ...['stages', 'tries'],
      ],
    },
  },
  request_attempts: {
    activity: 'operation',
    purpose: 'How often a provider was asked for a call, and what it said.',
    kept: 'as long as the ledger',
    personColumn: null,
    erasure: 'stays',
    because: 'Names calls, no people.',
    columns: {
      technical: ['request_id', 'attempt', 'project_id', 'target'],
      usage: ['at', 'status', 'duration_ms', 'fault'],
    },
  },
}
