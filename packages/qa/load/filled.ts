import type { Service } from './services.ts'

/** Rows of other people, by table; what a table does not have yet is left out. */
interface Fill {
  readonly table: string
  readonly rows: number
  /** SQL that makes the rows of `$people` people. */
  readonly sql: string
}

/** How much there is of others. */
export interface FillScale {
  /** Each has a session of fifty messages. */
  readonly people: number
  readonly assets: number
  /** Of the same people, each with as many. */
  readonly memories: number
  readonly others: number
}

const project = `'default'`
/** Of a project whose lists show what everybody in it has. */
const elsewhere = `'elsewhere'`
const sessionOf = `'ses_' || lpad(p::text, 26, '0')`
const messageOf = (place: string) => `'msg_' || lpad(p::text, 20, '0') || lpad((${place})::text, 6, '0')`
const assetOf = `'asset_' || lpad(a::text, 26, '0')`
const digestOf = `encode(sha256(('asset ' || a)::bytea), 'hex')`

const memoryOf = `'mem_' || lpad(m::text, 26, '0')`

const fills = ({ people, assets, memories, others }: FillScale): readonly Fill[] => {
  const ofPeople = `FROM generate_series(1, ${people}) p`
  const ofMessages = `${ofPeople}, generate_series(1, 50) m`
  const ofAssets = `FROM generate_series(1, ${assets}) a`
  const ofMemories = `FROM generate_series(1, ${memories}) m`
  const ofOthers = `FROM generate_series(1, ${others}) o`
  const memoryOwner = `'other-' || (1 + m % ${people})`
  const owner = `'other-' || p`
  const assetOwner = `'other-' || (a % ${Math.ceil(assets / 50)})`
  return [
    {
      table: 'conversation_owners',
      rows: people,
      sql: `(project_id, subject, last_change) SELECT ${project}, ${owner}, 51 ${ofPeople}`,
    },
    {
      table: 'conversation_sessions',
      rows: people,
      sql: `(project_id, session_id, subject, change, pinned, archived, folder, messages, bytes, sealed, created_at, updated_at)
        SELECT ${project}, ${sessionOf}, ${owner}, 51, p % 10 = 0, p % 4 = 0, CASE WHEN p % 5 = 0 THEN '\\x01'::bytea END, 50, 1,
          '\\x00', now(), now() - p * interval '1 minute' ${ofPeople}`,
    },
    {
      table: 'conversation_messages',
      rows: people * 50,
      sql: `(project_id, session_id, message_id, parent_id, subject, change, role, status, tokens, bytes, sealed, created_at)
        SELECT ${project}, ${sessionOf}, ${messageOf('m')}, CASE WHEN m > 1 THEN ${messageOf('m - 1')} END, ${owner}, m, 'user',
          'complete', 10, 100, decode(repeat('ab', 100), 'hex'), now() ${ofMessages}`,
    },
    {
      table: 'conversation_texts',
      rows: people * 50,
      sql: `(project_id, session_id, message_id, search)
        SELECT ${project}, ${sessionOf}, ${messageOf('m')}, array_to_tsvector(ARRAY['~' || md5(p::text)])
          || to_tsvector('simple', 'common word' || (p * 7919 + m * 104729) % 5000 || ' sea' || (p + m) % 100) ${ofMessages}`,
    },
    {
      table: 'conversation_tombstones',
      rows: people,
      sql: `(project_id, subject, change, session_id) SELECT ${project}, ${owner}, 1, ${sessionOf} ${ofPeople}`,
    },
    {
      table: 'asset_owners',
      rows: Math.ceil(assets / 50),
      sql: `(project_id, subject, bytes)
        SELECT ${project}, 'other-' || a, 50000 FROM generate_series(0, ${Math.ceil(assets / 50) - 1}) a`,
    },
    {
      table: 'assets',
      rows: assets,
      sql: `(project_id, asset_id, subject, details, version)
        SELECT ${project}, ${assetOf}, ${assetOwner}, decode(repeat('ab', 100), 'hex'), 1 ${ofAssets}`,
    },
    {
      table: 'asset_blobs',
      rows: assets,
      sql: `(project_id, digest, bytes) SELECT ${project}, ${digestOf}, 1000 ${ofAssets}`,
    },
    {
      table: 'asset_versions',
      rows: assets,
      sql: `(project_id, asset_id, version, digest, bytes, type, was_scanned)
        SELECT ${project}, ${assetOf}, 1, ${digestOf}, 1000, 'image/png', false ${ofAssets}`,
    },
    {
      table: 'asset_chunks',
      rows: assets,
      sql: `(project_id, holder, position, object, digest, bytes)
        SELECT ${project}, ${digestOf}, 0, ${digestOf}, ${digestOf}, 1000 ${ofAssets}`,
    },
    {
      table: 'asset_uploads',
      rows: others,
      sql: `(project_id, upload_id, subject, asset_id, is_new, role, details, length, expires_at)
        SELECT ${project}, 'upload_' || lpad(o::text, 26, '0'), 'other-' || o % 1000, 'asset_none', true, 'whole', '\\x00', 1,
          now() + interval '1 day' ${ofOthers}`,
    },
    {
      table: 'memories',
      rows: memories,
      sql: `(project_id, memory_id, subject, state, kind, scope, confidence, digest, sealed, search, created_at, updated_at, confirmed_at,
          expires_at)
        SELECT ${project}, ${memoryOf}, ${memoryOwner}, CASE WHEN m % 10 = 0 THEN 'proposed' ELSE 'kept' END, 'fact', 'general', 0.5,
          sha256(m::text::bytea), decode(repeat('ab', 300), 'hex'),
          to_tsvector('simple', 'likes common word' || (m * 7919) % 5000 || ' sea' || m % 100), now(), now(),
          now() - m % 400 * interval '1 day', CASE WHEN m % 5 = 0 THEN now() + m * interval '1 minute' + interval '1 day' END ${ofMemories}`,
    },
    {
      table: 'memory_sources',
      rows: memories,
      sql: `(project_id, memory_id, subject, source_type, reference)
        SELECT ${project}, ${memoryOf}, ${memoryOwner}, 'session', sha256((m % 50000)::text::bytea) ${ofMemories}`,
    },
    {
      table: 'memory_vectors',
      rows: memories,
      sql: `(project_id, memory_id, subject, model, scale, vector)
        SELECT ${project}, ${memoryOf}, ${memoryOwner}, 'up/text-embedding-3-small', 0.001,
          decode(repeat(md5(m::text), 32), 'hex') ${ofMemories}`,
    },
    {
      table: 'memory_extractions',
      rows: others,
      sql: `(project_id, extraction_id, subject, key_id, session_id, scope, state, ended_at)
        SELECT ${project}, 'mex_' || lpad(o::text, 26, '0'), 'other-' || o % 1000, 'key-' || o % 1000,
          'ses_' || lpad(o::text, 26, '0'), 'general', 'completed', now() ${ofOthers}`,
    },
    {
      table: 'memory_rejections',
      rows: others,
      sql: `(project_id, subject, digest) SELECT ${project}, 'other-' || o % 1000, sha256(o::text::bytea) ${ofOthers}`,
    },
    {
      table: 'responses',
      rows: others,
      sql: `(project_id, response_id, holder, subject, turn, sealed, created_at, expires_at)
        SELECT ${project}, 'resp_' || o, sha256((o % 1000)::text::bytea), 'other-' || o % 1000, 'gone', '\\x00', now(),
          now() + interval '9 days' ${ofOthers}`,
    },
    {
      table: 'files',
      rows: others,
      sql: `(project_id, file_id, key_id, purpose, name, bytes, expires_at)
        SELECT ${elsewhere}, 'file-' || lpad(o::text, 26, '0'), 'key-' || o % 1000, 'batch', '\\x00', 1,
          CASE WHEN o % 2 = 0 THEN now() + interval '9 days' END ${ofOthers}`,
    },
    {
      table: 'batches',
      rows: others,
      sql: `(project_id, batch_id, key_id, endpoint, input_file_id, completion_window, output_seconds, status, expires_at, completed_at)
        SELECT ${elsewhere}, 'batch_' || lpad(o::text, 26, '0'), 'key-' || o % 1000, '/v1/chat/completions',
          'file-' || lpad(o::text, 26, '0'), '24h', 1, 'completed', now() + interval '1 day', now() ${ofOthers}`,
    },
    {
      table: 'idempotency_keys',
      rows: others,
      sql: `(project_id, lookup, fingerprint, turn, created_at, expires_at)
        SELECT ${project}, sha256(o::text::bytea), '\\x00', 'gone', now(), now() + interval '1 day' ${ofOthers}`,
    },
    {
      table: 'cached_answers',
      rows: others,
      sql: `(project_id, lookup, key_id, subject, expires_at)
        SELECT ${project}, 'lookup-' || o, 'key-' || o % 1000, '', now() + interval '1 day' ${ofOthers}`,
    },
  ]
}

/** Fills the tables with rows of others, as its administrator, and lets the planner know. Resolves to how many rows there are then. */
export const fillWithOthers = async ({ query }: Pick<Service, 'query'>, scale: FillScale): Promise<number> => {
  let rows = 0
  for (const { table, rows: some, sql } of fills(scale)) {
    // The rows are whole: checks of what belongs to what would take most of the time.
    await query(
      `SET session_replication_role = replica; SET synchronous_commit = off; INSERT INTO headgate.${table} ${sql}`,
    )
    rows += some
  }
  await query('VACUUM ANALYZE')
  return rows
}
