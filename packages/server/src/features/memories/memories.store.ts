import type { MemoryKind } from '@headgate/contract/memories.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type {
  MemoryBounds,
  MemoryContent,
  MemoryOwner,
  MemoryState,
  NewMemory,
  SealPort,
  StoredMemory,
} from './memories.ports.ts'
import type { Digests } from './memory-owner.ts'

/** Which memories are read, the latest first. */
export interface MemoryPage {
  readonly cursor?: string | undefined
  readonly kind?: MemoryKind | undefined
  readonly scope?: string | undefined
  readonly state: MemoryState
  readonly limit: number
  readonly stale?: boolean | undefined
}

/** A row of headgate.memories, without what it is found by. */
export interface MemoryRow {
  readonly memory_id: string
  readonly state: MemoryState
  readonly version: number
  readonly kind: MemoryKind
  readonly scope: string
  readonly confidence: number
  readonly sealed: Buffer
  readonly created_at: Date
  readonly updated_at: Date
  readonly confirmed_at: Date
  readonly expires_at: Date | null
}

/** Its columns. */
export const MEMORY_COLUMNS =
  'memory_id, state, version, kind, scope, confidence, sealed, created_at, updated_at, confirmed_at, expires_at'
const unexpired = '(expires_at IS NULL OR expires_at > now())'
/** Rows that one statement forgets. */
const FORGET_AT_ONCE = 500
const readable = (text: string): string => text.replaceAll('\0', ' ').toWellFormed()

export interface MemoryStoreOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly digests: Digests
  readonly bounds: () => MemoryBounds
}

const placeOf = ({ project, subject }: MemoryOwner, row: string) => ({
  ...{ project, subject, purpose: 'memories', table: 'memories', row },
  column: 'sealed',
})

/** As it is kept and shown: four digits, which fit a `real`. */
const rounded = (confidence: number): number => Number(confidence.toFixed(4))

/** Opens a row. */
export const openMemory = async (
  { open }: SealPort,
  read: Read,
  owner: MemoryOwner,
  row: MemoryRow,
): Promise<StoredMemory> => ({
  ...(JSON.parse(await open(read, placeOf(owner, row.memory_id), row.sealed)) as MemoryContent),
  id: row.memory_id,
  state: row.state,
  version: row.version,
  kind: row.kind,
  scope: row.scope,
  // Four bytes keep seven digits.
  confidence: rounded(row.confidence),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  confirmedAt: row.confirmed_at,
  expiresAt: row.expires_at,
})

/** The memories of their owners. */
export const createMemoryStore = ({ database, seal, digests, bounds }: MemoryStoreOptions) => {
  const textOf = ({ text, sources }: MemoryContent): string => JSON.stringify({ text, sources })
  const all = async (read: Read, owner: MemoryOwner, rows: readonly MemoryRow[]): Promise<StoredMemory[]> => {
    const found: StoredMemory[] = []
    for (const row of rows) found.push(await openMemory(seal, read, owner, row))
    return found
  }

  const noteSources = async ({ execute }: Transaction, owner: MemoryOwner, id: string, content: MemoryContent) => {
    await execute('DELETE FROM headgate.memory_sources WHERE project_id = $1 AND memory_id = $2', [owner.project, id])
    await execute(
      `INSERT INTO headgate.memory_sources (project_id, memory_id, subject, source_type, reference)
       SELECT DISTINCT $1, $2, $3, s.type, s.reference FROM unnest($4::text[], $5::bytea[]) AS s (type, reference)`,
      [
        ...[owner.project, id, owner.subject, content.sources.map(({ type }) => type)],
        content.sources.map(({ type, id: name }) => digests.source(owner, type, name)),
      ],
    )
  }

  const store = {
    /** Makes whoever else writes memories of this owner wait, until the transaction ends. */
    hold: async ({ query }: Transaction, { project, subject }: MemoryOwner): Promise<void> => {
      const name = `headgate memories ${project} ${subject}`
      await query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [name])
    },

    /** One that says this already. */
    same: async (read: Read, owner: MemoryOwner, text: string): Promise<StoredMemory | null> => {
      const { rows } = await read.query<MemoryRow>(
        `SELECT ${MEMORY_COLUMNS} FROM headgate.memories
          WHERE project_id = $1 AND subject = $2 AND digest = $3 AND ${unexpired} ORDER BY state, memory_id LIMIT 1`,
        [owner.project, owner.subject, digests.text(owner, text)],
      )
      return rows[0] === undefined ? null : openMemory(seal, read, owner, rows[0])
    },

    /** @throws AppError `memory_quota_exceeded` where there is no room for so many more. */
    checkRoom: async ({ query }: Read, { project, subject }: MemoryOwner, more: number): Promise<void> => {
      const { memories: limit } = bounds()
      const { rows } = await query<{ many: bigint }>(
        `SELECT count(*) AS many FROM headgate.memories WHERE project_id = $1 AND subject = $2 AND ${unexpired}`,
        [project, subject],
      )
      if (Number(rows[0]?.many ?? 0) + more > limit)
        throw new AppError('memory_quota_exceeded', { params: { option: 'memories.max_memories', limit } })
    },

    insert: async (
      transaction: Transaction,
      owner: MemoryOwner,
      state: MemoryState,
      memory: NewMemory,
    ): Promise<StoredMemory> => {
      const sealed = await seal.seal(transaction, placeOf(owner, memory.id), textOf(memory))
      const { rows } = await transaction.query<MemoryRow>(
        `INSERT INTO headgate.memories (project_id, memory_id, subject, state, kind, scope, confidence, digest, sealed, search,
           created_at, updated_at, confirmed_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_tsvector('simple', $10), $11, now(), $12, $13)
         RETURNING ${MEMORY_COLUMNS}`,
        [
          ...[owner.project, memory.id, owner.subject, state, memory.kind, memory.scope, rounded(memory.confidence)],
          ...[digests.text(owner, memory.text), sealed, readable(memory.text)],
          ...[memory.createdAt, memory.confirmedAt, memory.expiresAt],
        ],
      )
      await noteSources(transaction, owner, memory.id, memory)
      return openMemory(seal, transaction, owner, rows[0] as MemoryRow)
    },

    /** Writes what a memory is now, in the transaction that holds its owner. */
    write: async (transaction: Transaction, owner: MemoryOwner, next: StoredMemory): Promise<StoredMemory> => {
      const sealed = await seal.seal(transaction, placeOf(owner, next.id), textOf(next))
      const { rows } = await transaction.query<MemoryRow>(
        `UPDATE headgate.memories SET version = version + 1, state = $3, kind = $4, scope = $5, confidence = $6, digest = $7,
           sealed = $8, search = to_tsvector('simple', $9), updated_at = now(), confirmed_at = $10, expires_at = $11
          WHERE project_id = $1 AND memory_id = $2 RETURNING ${MEMORY_COLUMNS}`,
        [
          ...[owner.project, next.id, next.state, next.kind, next.scope, rounded(next.confidence)],
          ...[digests.text(owner, next.text), sealed, readable(next.text), next.confirmedAt, next.expiresAt],
        ],
      )
      await noteSources(transaction, owner, next.id, next)
      return openMemory(seal, transaction, owner, rows[0] as MemoryRow)
    },

    /** @throws AppError `memory_not_found`, or `memory_changed` where it is in another version than the one asked for. */
    find: async (
      read: Read,
      owner: MemoryOwner,
      id: string,
      state: MemoryState,
      version: number | null = null,
    ): Promise<StoredMemory> => {
      const { rows } = await read.query<MemoryRow>(
        `SELECT ${MEMORY_COLUMNS} FROM headgate.memories
          WHERE project_id = $1 AND memory_id = $2 AND subject = $3 AND state = $4 AND ${unexpired}`,
        [owner.project, id, owner.subject, state],
      )
      const row = rows[0]
      if (row === undefined) throw new AppError('memory_not_found')
      if (version !== null && row.version !== version)
        throw new AppError('memory_changed', { params: { etag: `"m${row.version}"` } })
      return openMemory(seal, read, owner, row)
    },

    /** The same where it may be gone. */
    findKept: (read: Read, owner: MemoryOwner, id: string): Promise<StoredMemory | null> =>
      store.find(read, owner, id, 'kept').catch((fault: unknown) => {
        if (fault instanceof AppError && fault.code === 'memory_not_found') return null
        throw fault
      }),

    get: (owner: MemoryOwner, id: string): Promise<StoredMemory> =>
      database.read({ project: owner.project }, (read) => store.find(read, owner, id, 'kept')),

    list: (owner: MemoryOwner, page: MemoryPage): Promise<readonly StoredMemory[]> =>
      database.read({ project: owner.project }, async (read) => {
        const values: unknown[] = [owner.project, owner.subject, page.state, page.limit]
        const where = (
          [
            ['memory_id < ?', page.cursor],
            ['kind = ?', page.kind],
            ['scope = ?', page.scope],
            [
              `confirmed_at ${page.stale === true ? '<' : '>='} now() - make_interval(days => ?)`,
              page.stale === undefined ? undefined : bounds().staleDays,
            ],
          ] as const
        ).flatMap(([condition, value]) => {
          if (value === undefined) return []
          values.push(value)
          return [`AND ${condition.replace('?', `$${values.length}`)}`]
        })
        const { rows } = await read.query<MemoryRow>(
          `SELECT ${MEMORY_COLUMNS} FROM headgate.memories
            WHERE project_id = $1 AND subject = $2 AND state = $3 AND ${unexpired} ${where.join(' ')}
            ORDER BY memory_id DESC LIMIT $4`,
          values,
        )
        return all(read, owner, rows)
      }),

    /** These of an owner, in no order; those that are gone are left out. */
    pick: (owner: MemoryOwner, ids: readonly string[]): Promise<readonly StoredMemory[]> =>
      database.read({ project: owner.project }, async (read) => {
        const { rows } = await read.query<MemoryRow>(
          `SELECT ${MEMORY_COLUMNS} FROM headgate.memories
            WHERE project_id = $1 AND subject = $2 AND state = 'kept' AND memory_id = ANY($3) AND ${unexpired}`,
          [owner.project, owner.subject, ids],
        )
        return all(read, owner, rows)
      }),

    count: (owner: MemoryOwner): Promise<number> =>
      database.read({ project: owner.project }, async ({ query }) => {
        const { rows } = await query<{ many: bigint }>(
          `SELECT count(*) AS many FROM headgate.memories WHERE project_id = $1 AND subject = $2 AND state = 'kept' AND ${unexpired}`,
          [owner.project, owner.subject],
        )
        return Number(rows[0]?.many ?? 0)
      }),

    remove: async ({ execute }: Transaction, { project }: MemoryOwner, id: string): Promise<void> => {
      await execute('DELETE FROM headgate.memories WHERE project_id = $1 AND memory_id = $2', [project, id])
    },

    /** Some of those that a source said, kept or proposed; all of its type where no id is given. */
    ofSource: async (
      { query }: Read,
      owner: MemoryOwner,
      { type, id }: Pick<MemoryContent['sources'][number], 'type'> & { readonly id?: string | null | undefined },
      limit: number,
    ): Promise<readonly MemoryRow[]> => {
      const { rows } = await query<MemoryRow>(
        `SELECT ${MEMORY_COLUMNS} FROM headgate.memories m
          WHERE m.project_id = $1 AND m.subject = $2 AND m.memory_id IN (
            SELECT s.memory_id FROM headgate.memory_sources s
             WHERE s.project_id = $1 AND s.subject = $2 AND s.source_type = $3 AND ($4::bytea IS NULL OR s.reference = $4))
          ORDER BY m.memory_id LIMIT $5`,
        [owner.project, owner.subject, type, typeof id === 'string' ? digests.source(owner, type, id) : null, limit],
      )
      return rows
    },
    openAll: all,

    /** Forgets what has expired, some at once; resolves to how many. */
    forgetExpired: ({ execute }: Transaction): Promise<number> =>
      execute(
        `DELETE FROM headgate.memories WHERE (project_id, memory_id) IN (
           SELECT project_id, memory_id FROM headgate.memories WHERE expires_at <= now()
              AND NOT headgate.is_held(project_id, subject) ORDER BY expires_at LIMIT ${FORGET_AT_ONCE} FOR UPDATE SKIP LOCKED)`,
      ),
  }
  return store
}
export type MemoryStore = ReturnType<typeof createMemoryStore>
