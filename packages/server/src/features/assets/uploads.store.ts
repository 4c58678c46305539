import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AssetDetails, Owner, SealPort } from './assets.ports.ts'
import { type Chunk, doomChunks, takeChunks } from './chunks.store.ts'
import { detailsPlace } from './places.ts'

/** `partial` uploads become parts of a `final` one (tus, extension Concatenation). */
export type UploadRole = 'whole' | 'partial' | 'final'

/** What an upload carries beside its bytes. */
export interface UploadDetails extends AssetDetails {
  /** Digests of the version that it may replace; absent: any. */
  readonly ifMatch?: readonly string[]
  /** Its picture is still to be written anew. */
  readonly strip?: true
  /** Headers that tell of an upload as they were sent, as tus wants them back. */
  readonly said?: Readonly<Record<string, string>>
}

/** An upload as it stands. */
export interface Upload extends Owner {
  readonly id: string
  readonly assetId: string
  /** Whether it makes an asset, not another version of one. */
  readonly isNew: boolean
  readonly role: UploadRole
  readonly details: UploadDetails
  readonly length: number
  /** Bytes that are kept. */
  readonly received: number
  readonly chunks: number
  /** What it has become; null while it has not. */
  readonly version: number | null
  readonly expiresAt: Date
}

/** An upload that is to be. */
export type NewUpload = Pick<Upload, 'project' | 'subject' | 'id' | 'assetId' | 'isNew' | 'role' | 'details' | 'length'>

interface UploadRow {
  readonly project_id: string
  readonly upload_id: string
  readonly subject: string
  readonly asset_id: string
  readonly is_new: boolean
  readonly role: UploadRole
  readonly details: Buffer
  readonly length: string
  readonly received: string
  readonly chunks: number
  readonly version: number | null
  readonly expires_at: Date
}

const COLUMNS = `project_id, upload_id, subject, asset_id, is_new, role, details, length::text, received::text, chunks, version,
  expires_at`
const ENDED_AT_ONCE = 100

/** Takes room of an owner. @throws AppError `asset_quota_exceeded`. */
const reserve = async ({ execute }: Transaction, { project, subject }: Owner, bytes: number, most: number) => {
  const fits =
    bytes <= most &&
    (await execute(
      `INSERT INTO headgate.asset_owners AS owner (project_id, subject, bytes) VALUES ($1, $2, $3)
       ON CONFLICT (project_id, subject) DO UPDATE SET bytes = owner.bytes + excluded.bytes
         WHERE owner.bytes + excluded.bytes <= $4`,
      [project, subject, bytes, most],
    )) === 1
  if (!fits) throw new AppError('asset_quota_exceeded', { params: { limit_bytes: most } })
}

/** Gives room back to an owner. */
export const giveBack = async ({ execute }: Transaction, { project, subject }: Owner, bytes: number): Promise<void> => {
  await execute('UPDATE headgate.asset_owners SET bytes = bytes - $3 WHERE project_id = $1 AND subject = $2', [
    ...[project, subject, bytes],
  ])
}

/** Uploads in PostgreSQL. Times are the database's. */
export const createUploadStore = (database: Database, { seal, open }: Pick<SealPort, 'seal' | 'open'>) => {
  const view = async (read: Read, row: UploadRow): Promise<Upload> => ({
    project: row.project_id,
    subject: row.subject,
    id: row.upload_id,
    assetId: row.asset_id,
    isNew: row.is_new,
    role: row.role,
    details: JSON.parse(
      await open(
        read,
        detailsPlace({ project: row.project_id, subject: row.subject }, 'asset_uploads', row.upload_id),
        row.details,
      ),
    ) as UploadDetails,
    length: Number(row.length),
    received: Number(row.received),
    chunks: row.chunks,
    version: row.version,
    expiresAt: row.expires_at,
  })

  const insert = async (transaction: Transaction, upload: NewUpload, keepSeconds: number): Promise<Upload> => {
    const { project, subject, id, assetId, isNew, role, details, length } = upload
    const sealed = await seal(
      transaction,
      detailsPlace({ project, subject }, 'asset_uploads', id),
      JSON.stringify(details),
    )
    const { rows } = await transaction.query<UploadRow>(
      `INSERT INTO headgate.asset_uploads
         (project_id, upload_id, subject, asset_id, is_new, role, details, length, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9)) RETURNING ${COLUMNS}`,
      [project, id, subject, assetId, isNew, role, sealed, length, keepSeconds],
    )
    return view(transaction, rows[0] as UploadRow)
  }

  /** Ends an upload that has become nothing: its bytes are erased, its room is free. */
  const end = async (transaction: Transaction, row: UploadRow): Promise<void> => {
    const { project_id: project, upload_id: id, subject } = row
    await doomChunks(transaction, project, id)
    await transaction.execute('DELETE FROM headgate.asset_uploads WHERE project_id = $1 AND upload_id = $2', [
      ...[project, id],
    ])
    if (row.version === null) await giveBack(transaction, { project, subject }, Number(row.length))
  }

  const OF_OWNER = 'project_id = $1 AND subject = $2 AND upload_id = $3 AND expires_at > now()'

  return {
    /** Begins an upload, for whose whole length there is room. @throws AppError `asset_quota_exceeded`. */
    add: (upload: NewUpload, most: number, keepSeconds: number): Promise<Upload> =>
      database.transaction({ project: upload.project }, async (transaction) => {
        await reserve(transaction, upload, upload.length, most)
        return insert(transaction, upload, keepSeconds)
      }),

    /** An upload of this owner; null where it has none of this id, or it has expired. */
    get: ({ project, subject }: Owner, id: string): Promise<Upload | null> =>
      database.read({ project }, async (read) => {
        const { rows } = await read.query<UploadRow>(
          `SELECT ${COLUMNS} FROM headgate.asset_uploads WHERE ${OF_OWNER}`,
          [project, subject, id],
        )
        return rows[0] ? view(read, rows[0]) : null
      }),

    /** Takes written objects on as the next of an upload; null where others were faster, or it has ended. */
    append: (
      { project, id }: Upload,
      at: { received: number; chunks: number },
      chunks: readonly Chunk[],
      keepSeconds: number,
    ) =>
      database.transaction({ project }, async (transaction): Promise<boolean> => {
        const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
        const moved = await transaction.execute(
          `UPDATE headgate.asset_uploads
              SET received = received + $4, chunks = chunks + $5, expires_at = now() + make_interval(secs => $6)
            WHERE project_id = $1 AND upload_id = $2 AND received = $3 AND version IS NULL AND expires_at > now()`,
          [project, id, at.received, bytes, chunks.length, keepSeconds],
        )
        if (moved !== 1) return false
        if (!(await takeChunks(transaction, project, id, at.chunks, chunks)))
          throw new AppError('asset_store_unavailable', { detail: 'What was sent was too slow to be kept.' })
        return true
      }),

    /**
     * Makes one upload of whole partial ones, in this order, which are no more from then on.
     * @throws AppError `upload_not_found`, `upload_incomplete`.
     */
    join: (
      upload: Omit<NewUpload, 'length' | 'role'>,
      parts: readonly string[],
      keepSeconds: number,
    ): Promise<Upload> =>
      database.transaction({ project: upload.project }, async (transaction) => {
        const { project, subject, id } = upload
        const { rows } = await transaction.query<UploadRow>(
          `SELECT ${COLUMNS} FROM headgate.asset_uploads WHERE project_id = $1 AND subject = $2 AND upload_id = ANY($3)
              AND expires_at > now() ORDER BY upload_id FOR UPDATE`,
          [project, subject, parts],
        )
        const byId = new Map(rows.map((row) => [row.upload_id, row]))
        let [length, count] = [0, 0]
        for (const part of parts) {
          const row = byId.get(part)
          if (row === undefined || row.role !== 'partial') throw new AppError('upload_not_found')
          if (row.received !== row.length) throw new AppError('upload_incomplete')
          await transaction.execute(
            `UPDATE headgate.asset_chunks SET holder = $3, position = position + $4 WHERE project_id = $1 AND holder = $2`,
            [project, part, id, count],
          )
          await transaction.execute('DELETE FROM headgate.asset_uploads WHERE project_id = $1 AND upload_id = $2', [
            ...[project, part],
          ])
          length += Number(row.length)
          count += row.chunks
        }
        await insert(transaction, { ...upload, role: 'final', length }, keepSeconds)
        const { rows: made } = await transaction.query<UploadRow>(
          `UPDATE headgate.asset_uploads SET received = length, chunks = $3 WHERE project_id = $1 AND upload_id = $2
            RETURNING ${COLUMNS}`,
          [project, id, count],
        )
        return view(transaction, made[0] as UploadRow)
      }),

    /**
     * Puts other bytes, written already, in the place of those that were sent to be written anew. Null where another replica was faster.
     * @throws AppError `upload_not_found`, `asset_store_unavailable`
     */
    replace: (upload: Upload, written: readonly Chunk[]): Promise<Upload | null> =>
      database.transaction({ project: upload.project }, async (transaction) => {
        const { project, subject, id } = upload
        const { rows } = await transaction.query<UploadRow>(
          `SELECT ${COLUMNS} FROM headgate.asset_uploads WHERE ${OF_OWNER} FOR UPDATE`,
          [project, subject, id],
        )
        if (!rows[0]) throw new AppError('upload_not_found')
        const { strip, ...details } = (await view(transaction, rows[0])).details
        if (strip === undefined) return null
        const length = written.reduce((sum, { bytes }) => sum + bytes, 0)
        await doomChunks(transaction, project, id)
        if (!(await takeChunks(transaction, project, id, 0, written)))
          throw new AppError('asset_store_unavailable', { detail: 'What was made of it was too slow to be kept.' })
        await giveBack(transaction, upload, upload.length - length)
        const sealed = await seal(transaction, detailsPlace(upload, 'asset_uploads', id), JSON.stringify(details))
        const { rows: made } = await transaction.query<UploadRow>(
          `UPDATE headgate.asset_uploads SET details = $3, length = $4, received = $4, chunks = $5
            WHERE project_id = $1 AND upload_id = $2 RETURNING ${COLUMNS}`,
          [project, id, sealed, length, written.length],
        )
        return view(transaction, made[0] as UploadRow)
      }),

    /** Erases an upload with all that was sent; an asset that it has become stays. False where there is none. */
    remove: ({ project, subject }: Owner, id: string): Promise<boolean> =>
      database.transaction({ project }, async (transaction) => {
        const { rows } = await transaction.query<UploadRow>(
          `SELECT ${COLUMNS} FROM headgate.asset_uploads WHERE ${OF_OWNER} FOR UPDATE`,
          [project, subject, id],
        )
        if (rows[0]) await end(transaction, rows[0])
        return rows.length > 0
      }),

    /** Ends some of the uploads that nobody went on with; tells whether there may be more. Skips those that another replica ends. */
    expire: (): Promise<boolean> =>
      database.transaction('system', async (transaction) => {
        const { rows } = await transaction.query<UploadRow>(
          `SELECT ${COLUMNS} FROM headgate.asset_uploads WHERE expires_at <= now()
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED`,
          [ENDED_AT_ONCE],
        )
        for (const row of rows) await end(transaction, row)
        return rows.length === ENDED_AT_ONCE
      }),
  }
}

export type UploadStore = ReturnType<typeof createUploadStore>
