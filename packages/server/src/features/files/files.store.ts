import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { SealPort } from './files.ports.ts'

/** A file without what it holds. */
export interface StoredFile {
  readonly id: string
  readonly purpose: string
  readonly name: string
  readonly bytes: number
  readonly createdAt: Date
  readonly expiresAt: Date | null
}

/** A file that is to be. */
export interface NewFile {
  readonly projectId: string
  readonly keyId: string
  readonly id: string
  readonly purpose: string
  readonly name: string
  /** Seconds that it is kept; null: until it is deleted. */
  readonly keepSeconds: number | null
}

/** Which files of a project are listed. */
export interface FilePage {
  readonly after: string | undefined
  readonly limit: number
  readonly isAscending: boolean
  readonly purpose: string | undefined
}

interface FileRow {
  readonly file_id: string
  readonly purpose: string
  readonly name: Buffer
  readonly bytes: string
  readonly created_at: Date
  readonly expires_at: Date | null
}

/** Bytes of one piece, before it is sealed. */
const PIECE_BYTES = 262_144
const COLUMNS = 'file_id, purpose, name, bytes::text, created_at, expires_at'
const IS_THERE = '(expires_at IS NULL OR expires_at > now())'
const FORGOTTEN_AT_ONCE = 100

const placeOf = (project: string, row: string, table: 'files' | 'file_pieces') => ({
  ...{ project, purpose: 'files', table, row },
  column: table === 'files' ? 'name' : 'sealed',
})

/** The files of projects. Times are the database's. */
export const createFileStore = (database: Database, { seal, open }: SealPort) => {
  const view = async (read: Read, project: string, row: FileRow): Promise<StoredFile> => ({
    id: row.file_id,
    purpose: row.purpose,
    name: await open(read, placeOf(project, row.file_id, 'files'), row.name),
    bytes: Number(row.bytes),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  })

  /** Writes a file in a transaction of its project, as its bytes come; resolves to how many they were. */
  const write = async (transaction: Transaction, file: NewFile, chunks: AsyncIterable<Buffer> | Iterable<Buffer>) => {
    const { projectId, id } = file
    const name = await seal(transaction, placeOf(projectId, id, 'files'), file.name)
    await transaction.execute(
      `INSERT INTO headgate.files (project_id, file_id, key_id, purpose, name, bytes, expires_at)
       VALUES ($1, $2, $3, $4, $5, 0, now() + make_interval(secs => $6))`,
      [projectId, id, file.keyId, file.purpose, name, file.keepSeconds],
    )
    let [count, bytes] = [0, 0]
    const put = async (piece: Buffer): Promise<void> => {
      const place = placeOf(projectId, `${id}/${count}`, 'file_pieces')
      // The seal takes text: of bytes, which may be cut within a character, that is base64.
      const sealed = await seal(transaction, place, piece.toString('base64'))
      await transaction.execute('INSERT INTO headgate.file_pieces VALUES ($1, $2, $3, $4)', [
        ...[projectId, id, count, sealed],
      ])
      count += 1
      bytes += piece.length
    }
    let waiting: Buffer[] = []
    let size = 0
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.subarray(at, at + PIECE_BYTES - size)
        waiting.push(part)
        size += part.length
        at += part.length
        if (size < PIECE_BYTES) continue
        await put(Buffer.concat(waiting))
        waiting = []
        size = 0
      }
    }
    if (size > 0) await put(Buffer.concat(waiting))
    await transaction.execute('UPDATE headgate.files SET bytes = $3 WHERE project_id = $1 AND file_id = $2', [
      ...[projectId, id, bytes],
    ])
    return bytes
  }

  const get = (project: string, id: string): Promise<StoredFile | null> =>
    database.read({ project }, async (read) => {
      const { rows } = await read.query<FileRow>(
        `SELECT ${COLUMNS} FROM headgate.files WHERE project_id = $1 AND file_id = $2 AND ${IS_THERE}`,
        [project, id],
      )
      return rows[0] ? view(read, project, rows[0]) : null
    })

  return {
    write,
    get,

    /** Keeps what was uploaded. @throws AppError `file_quota_exceeded`. */
    add: (file: NewFile, content: Buffer, mostBytes: number): Promise<StoredFile> =>
      database.transaction({ project: file.projectId }, async (transaction) => {
        const { projectId, keyId, id } = file
        // Two uploads of a key at once shall not both fit where one does.
        await transaction.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`headgate files ${keyId}`])
        const { rows: sums } = await transaction.query<{ sum: string }>(
          `SELECT coalesce(sum(bytes), 0)::text AS sum FROM headgate.files
            WHERE project_id = $1 AND key_id = $2 AND purpose <> 'batch_output' AND ${IS_THERE}`,
          [projectId, keyId],
        )
        if (Number(sums[0]?.sum) + content.length > mostBytes)
          throw new AppError('file_quota_exceeded', { params: { limit_bytes: mostBytes } })
        await write(transaction, file, [content])
        const { rows } = await transaction.query<FileRow>(
          `SELECT ${COLUMNS} FROM headgate.files WHERE project_id = $1 AND file_id = $2`,
          [projectId, id],
        )
        return view(transaction, projectId, rows[0] as FileRow)
      }),

    list: (project: string, page: FilePage): Promise<StoredFile[]> =>
      database.read({ project }, async (read) => {
        const { rows } = await read.query<FileRow>(
          `SELECT ${COLUMNS} FROM headgate.files
            WHERE project_id = $1 AND ${IS_THERE} AND ($2::text IS NULL OR purpose = $2)
              AND ($3::text IS NULL OR file_id ${page.isAscending ? '>' : '<'} $3)
            ORDER BY file_id ${page.isAscending ? 'ASC' : 'DESC'} LIMIT $4`,
          [project, page.purpose ?? null, page.after ?? null, page.limit],
        )
        const files: StoredFile[] = []
        for (const row of rows) files.push(await view(read, project, row))
        return files
      }),

    /** What a file holds, piece by piece. @throws AppError `file_not_found` where it is erased meanwhile. */
    pieces: async function* (project: string, { id, bytes }: Pick<StoredFile, 'id' | 'bytes'>): AsyncGenerator<Buffer> {
      for (let piece = 0; piece * PIECE_BYTES < bytes; piece += 1) {
        yield await database.read({ project }, async (read) => {
          const { rows } = await read.query<{ sealed: Buffer }>(
            'SELECT sealed FROM headgate.file_pieces WHERE project_id = $1 AND file_id = $2 AND piece = $3',
            [project, id, piece],
          )
          if (!rows[0]) throw new AppError('file_not_found')
          return Buffer.from(
            await open(read, placeOf(project, `${id}/${piece}`, 'file_pieces'), rows[0].sealed),
            'base64',
          )
        })
      }
    },

    /** Erases a file with all it holds. @throws AppError `file_not_found`, `file_in_use`. */
    remove: (project: string, id: string): Promise<void> =>
      database.transaction({ project }, async ({ query, execute }) => {
        const { rows } = await query(
          `SELECT 1 FROM headgate.files WHERE project_id = $1 AND file_id = $2 AND ${IS_THERE} FOR UPDATE`,
          [project, id],
        )
        if (rows.length === 0) throw new AppError('file_not_found')
        const { rows: readers } = await query(
          `SELECT 1 FROM headgate.batches WHERE project_id = $1 AND input_file_id = $2
              AND status IN ('validating', 'in_progress', 'finalizing', 'cancelling') LIMIT 1`,
          [project, id],
        )
        if (readers.length > 0) throw new AppError('file_in_use')
        await execute('DELETE FROM headgate.files WHERE project_id = $1 AND file_id = $2', [project, id])
      }),

    /** Erases some of what has expired and no batch reads; tells whether there may be more. */
    forget: (): Promise<boolean> =>
      database.transaction('system', async ({ execute }) => {
        const gone = await execute(
          `DELETE FROM headgate.files WHERE (project_id, file_id) IN (
             SELECT project_id, file_id FROM headgate.files AS file
              WHERE expires_at <= now() AND NOT headgate.is_held(project_id, NULL) AND NOT EXISTS (
               SELECT FROM headgate.batches AS batch
                WHERE batch.project_id = file.project_id AND batch.input_file_id = file.file_id
                  AND batch.status IN ('validating', 'in_progress', 'finalizing', 'cancelling'))
              LIMIT $1 FOR UPDATE SKIP LOCKED)`,
          [FORGOTTEN_AT_ONCE],
        )
        return gone === FORGOTTEN_AT_ONCE
      }),
  }
}

export type FileStore = ReturnType<typeof createFileStore>
