import type { MemoryKind } from '@headgate/contract/memories.ts'
import type { Database, Read, Transaction } from '../../kernel/db.ts'
import type { MemoryOwner, SealPort, StoredMemory } from './memories.ports.ts'
import { MEMORY_COLUMNS, type MemoryRow, openMemory } from './memories.store.ts'
import type { Comparer } from './memory-comparer.ts'
import { pack } from './memory-vector.ts'
import { saysSomething } from './memory-words.ts'

/** What of a memory its score is made of. */
export interface Candidate {
  readonly id: string
  /** Cosine to what is looked for; null where its vector is of another size. */
  readonly vector: number | null
  readonly confidence: number
  readonly confirmedAt: Date
}

/** Which memories are looked at. */
export interface Narrowing {
  readonly kind?: MemoryKind | undefined
  readonly scope?: string | undefined
}

/** A memory that has some of the words. */
export interface WordsFound {
  readonly candidate: Candidate
  readonly words: readonly string[]
}

/** Vectors that are in memory at once: three mebibytes of the longest ones. */
const AT_ONCE = 1_000

const valid = `m.state = 'kept' AND (m.expires_at IS NULL OR m.expires_at > now())`
const narrowed = ({ kind, scope }: Narrowing, values: unknown[]): string => {
  const conditions: string[] = []
  for (const [column, value] of [
    ['kind', kind],
    ['scope', scope],
  ] as const) {
    if (value === undefined) continue
    values.push(value)
    conditions.push(`AND m.${column} = $${values.length}`)
  }
  return conditions.join(' ')
}

interface CandidateRow {
  readonly memory_id: string
  readonly confidence: number
  readonly confirmed_at: Date
}

/** What memories are found by. */
export const createVectorStore = (database: Database, seal: SealPort, comparer: Pick<Comparer, 'compare'>) => ({
  put: async (
    { execute }: Transaction,
    owner: MemoryOwner,
    id: string,
    model: string,
    vector: Float32Array,
  ): Promise<void> => {
    const { scale, bytes } = pack(vector)
    // Of a memory that is gone meanwhile there is nothing to find.
    await execute(
      `INSERT INTO headgate.memory_vectors (project_id, memory_id, subject, model, scale, vector)
       SELECT $1, $2, $3, $4, $5, $6 WHERE EXISTS (
         SELECT FROM headgate.memories WHERE project_id = $1 AND memory_id = $2 AND subject = $3 FOR SHARE)
       ON CONFLICT (project_id, memory_id) DO UPDATE SET model = $4, scale = $5, vector = $6`,
      [owner.project, id, owner.subject, model, scale, bytes],
    )
  },

  remove: async ({ execute }: Transaction, { project }: MemoryOwner, id: string): Promise<void> => {
    await execute('DELETE FROM headgate.memory_vectors WHERE project_id = $1 AND memory_id = $2', [project, id])
  },

  /** How many have no vector of this model. */
  pending: (owner: MemoryOwner, model: string): Promise<number> =>
    database.read({ project: owner.project }, async ({ query }) => {
      const { rows } = await query<{ many: bigint }>(
        `SELECT count(*) AS many FROM headgate.memories m WHERE m.project_id = $1 AND m.subject = $2 AND ${valid} AND NOT EXISTS (
           SELECT FROM headgate.memory_vectors v WHERE v.project_id = $1 AND v.memory_id = m.memory_id AND v.model = $3)`,
        [owner.project, owner.subject, model],
      )
      return Number(rows[0]?.many ?? 0)
    }),

  /** Some of them, the latest first, from after one of them on. */
  without: (owner: MemoryOwner, model: string, after: string | null, limit: number): Promise<readonly StoredMemory[]> =>
    database.read({ project: owner.project }, async (read) => {
      const { rows } = await read.query<MemoryRow>(
        `SELECT ${MEMORY_COLUMNS} FROM headgate.memories m WHERE m.project_id = $1 AND m.subject = $2 AND ${valid}
            AND ($4::text IS NULL OR m.memory_id < $4) AND NOT EXISTS (
           SELECT FROM headgate.memory_vectors v WHERE v.project_id = $1 AND v.memory_id = m.memory_id AND v.model = $3)
          ORDER BY m.memory_id DESC LIMIT $5`,
        [owner.project, owner.subject, model, after, limit],
      )
      const found: StoredMemory[] = []
      for (const row of rows) found.push(await openMemory(seal, read, owner, row))
      return found
    }),

  /**
   * Every memory of an owner that has a vector of this model, with its cosine: all of them are compared, some at a time, so that neither
   * memory nor the event loop is taken for long.
   */
  compare: async (
    read: Read,
    owner: MemoryOwner,
    { model, vector }: { readonly model: string; readonly vector: Float32Array },
    wish: Narrowing,
    each: (candidate: Candidate) => void,
  ): Promise<void> => {
    let last = ''
    for (;;) {
      const values: unknown[] = [owner.project, owner.subject, model, last, AT_ONCE]
      const { rows } = await read.query<CandidateRow & { readonly scale: number; readonly vector: Buffer }>(
        `SELECT v.memory_id, v.scale, v.vector, m.confidence, m.confirmed_at FROM headgate.memory_vectors v
           JOIN headgate.memories m ON m.project_id = v.project_id AND m.memory_id = v.memory_id
          WHERE v.project_id = $1 AND v.subject = $2 AND v.model = $3 AND v.memory_id > $4 AND m.subject = $2 AND ${valid}
            ${narrowed(wish, values)} ORDER BY v.memory_id LIMIT $5`,
        values,
      )
      const cosines = await comparer.compare(
        vector,
        rows.map(({ scale, vector: bytes }) => ({ scale, bytes })),
      )
      for (const [index, row] of rows.entries())
        each({
          id: row.memory_id,
          vector: cosines[index] ?? null,
          confidence: row.confidence,
          confirmedAt: row.confirmed_at,
        })
      if (rows.length < AT_ONCE) return
      last = (rows.at(-1) as CandidateRow).memory_id
    }
  },

  /** The words of a text, and the memories of an owner that have some of them, of how many. */
  matchWords: async (
    { query }: Read,
    owner: MemoryOwner,
    text: string,
    wish: Narrowing,
  ): Promise<{ readonly words: readonly string[]; readonly total: number; readonly found: readonly WordsFound[] }> => {
    const { rows: asked } = await query<{ words: string[]; total: bigint }>(
      `SELECT tsvector_to_array(to_tsvector('simple', $3)) AS words,
         (SELECT count(*) FROM headgate.memories m WHERE m.project_id = $1 AND m.subject = $2 AND ${valid}) AS total`,
      [owner.project, owner.subject, text.replaceAll('\0', ' ').toWellFormed()],
    )
    const words = (asked[0]?.words ?? []).filter(saysSomething)
    const total = asked[0]?.total ?? 0n
    if (words.length === 0) return { words, total: Number(total), found: [] }
    const values: unknown[] = [owner.project, owner.subject, words]
    const { rows } = await query<CandidateRow & { readonly found: string[] }>(
      `SELECT m.memory_id, m.confidence, m.confirmed_at,
         ARRAY(SELECT unnest(tsvector_to_array(m.search)) INTERSECT SELECT unnest($3::text[])) AS found
        FROM headgate.memories m WHERE m.project_id = $1 AND m.subject = $2 AND ${valid}
         AND tsvector_to_array(m.search) && $3::text[] ${narrowed(wish, values)}`,
      values,
    )
    return {
      words,
      total: Number(total),
      found: rows.map((row) => ({
        candidate: { id: row.memory_id, vector: null, confidence: row.confidence, confirmedAt: row.confirmed_at },
        words: row.found,
      })),
    }
  },
})
export type VectorStore = ReturnType<typeof createVectorStore>
