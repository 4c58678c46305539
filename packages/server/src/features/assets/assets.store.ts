import type { Database, Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AssetDetails, Owner, SealPort } from './assets.ports.ts'
import { type Content, releaseContents, settleContent } from './contents.store.ts'
import { detailsPlace } from './places.ts'
import { assetTag, notePurge, versionTag } from './purges.store.ts'
import { giveBack, type Upload } from './uploads.store.ts'

/** One version of an asset. */
export interface AssetVersion extends Content {
  /** The name under which its bytes are kept. */
  readonly blob: string
  readonly assetId: string
  readonly version: number
  readonly createdAt: Date
}

/** An asset in its present version. */
export interface Asset extends AssetVersion {
  readonly details: AssetDetails
  /** When its first version was made. */
  readonly madeAt: Date
  /** When its present version was made, or something else was said of it. */
  readonly changedAt: Date
}

interface VersionRow {
  readonly asset_id: string
  readonly version: number
  readonly digest: string
  readonly blob: string
  readonly bytes: string
  readonly type: string
  readonly charset: string | null
  readonly was_scanned: boolean
  readonly created_at: Date
}
interface AssetRow extends VersionRow {
  readonly details: Buffer
  readonly made_at: Date
  readonly changed_at: Date
  readonly subject: string
}

const VERSION = `v.asset_id, v.version, v.digest, coalesce(v.blob, v.digest) AS blob, v.bytes::text, v.type,
  v.charset, v.was_scanned, v.created_at`
const DETAILS = 'a.details, a.subject, a.created_at AS made_at, a.updated_at AS changed_at'
const ASSETS = `SELECT ${VERSION}, ${DETAILS} FROM headgate.assets a
  JOIN headgate.asset_versions v ON v.project_id = a.project_id AND v.asset_id = a.asset_id AND v.version = a.version`

const versionView = (row: VersionRow): AssetVersion => ({
  assetId: row.asset_id,
  version: row.version,
  digest: row.digest,
  blob: row.blob,
  bytes: Number(row.bytes),
  type: row.type,
  charset: row.charset,
  wasScanned: row.was_scanned,
  createdAt: row.created_at,
})

/** Assets in PostgreSQL. */
export const createAssetStore = (
  database: Database,
  { seal, open }: Pick<SealPort, 'seal' | 'open'>,
  /** Whether caches in front must be told of what is erased. */
  hasCaches = false,
) => {
  const view = async (read: Read, project: string, row: AssetRow): Promise<Asset> => ({
    ...versionView(row),
    details: JSON.parse(
      await open(read, detailsPlace({ project, subject: row.subject }, 'assets', row.asset_id), row.details),
    ) as AssetDetails,
    madeAt: row.made_at,
    changedAt: row.changed_at,
  })

  const locked = async ({ query }: Transaction, { project, subject }: Owner, id: string) => {
    const { rows } = await query<{ version: number; digest: string }>(
      `SELECT a.version, v.digest FROM headgate.assets a
         JOIN headgate.asset_versions v ON v.project_id = a.project_id AND v.asset_id = a.asset_id AND v.version = a.version
        WHERE a.project_id = $1 AND a.subject = $2 AND a.asset_id = $3 FOR UPDATE OF a`,
      [project, subject, id],
    )
    if (!rows[0]) throw new AppError('asset_not_found')
    return rows[0]
  }

  /** Erases versions; resolves to which they were. */
  const cut = async (transaction: Transaction, { project, subject }: Owner, id: string, below: number) => {
    const { rows } = await transaction.query<{ version: number; blob: string; bytes: string }>(
      `DELETE FROM headgate.asset_versions WHERE project_id = $1 AND asset_id = $2 AND version < $3
        RETURNING version, coalesce(blob, digest) AS blob, bytes::text`,
      [project, id, below],
    )
    if (rows.length === 0) return []
    await releaseContents(
      transaction,
      project,
      rows.map(({ blob }) => blob),
    )
    await giveBack(
      transaction,
      { project, subject },
      rows.reduce((sum, { bytes }) => sum + Number(bytes), 0),
    )
    return rows.map(({ version }) => version)
  }

  return {
    /**
     * Makes an asset, or its next version, of an upload whose bytes are all there; once, however often it is asked. Versions beyond
     * `most` are erased, the oldest first.
     * @throws AppError `upload_not_found`, `asset_not_found` where the asset was deleted meanwhile, `asset_changed`.
     */
    finish: (upload: Upload, content: Content, most: number): Promise<number> =>
      database.transaction({ project: upload.project }, async (transaction) => {
        const { project, subject, id, assetId, details } = upload
        const { query, execute } = transaction
        const { rows: found } = await query<{ version: number | null }>(
          'SELECT version FROM headgate.asset_uploads WHERE project_id = $1 AND upload_id = $2 FOR UPDATE',
          [project, id],
        )
        if (!found[0]) throw new AppError('upload_not_found')
        if (found[0].version !== null) return found[0].version
        const { ifMatch, name, metadata } = details
        let version = 1
        if (upload.isNew) {
          const sealed = await seal(
            transaction,
            detailsPlace(upload, 'assets', assetId),
            JSON.stringify({ name, metadata }),
          )
          await execute(
            'INSERT INTO headgate.assets (project_id, asset_id, subject, details, version) VALUES ($1, $2, $3, $4, 1)',
            [project, assetId, subject, sealed],
          )
        } else {
          const present = await locked(transaction, upload, assetId)
          if (ifMatch !== undefined && !ifMatch.includes(present.digest)) throw new AppError('asset_changed')
          version = present.version + 1
        }
        const blob = await settleContent(transaction, upload, content)
        const { digest, bytes, type, charset, wasScanned } = content
        await execute(
          `INSERT INTO headgate.asset_versions (project_id, asset_id, version, digest, blob, bytes, type, charset, was_scanned)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
          [project, assetId, version, digest, blob, bytes, type, charset, wasScanned],
        )
        await execute(
          'UPDATE headgate.assets SET version = $3, updated_at = now() WHERE project_id = $1 AND asset_id = $2',
          [project, assetId, version],
        )
        await execute('UPDATE headgate.asset_uploads SET version = $3 WHERE project_id = $1 AND upload_id = $2', [
          ...[project, id, version],
        ])
        if (upload.length !== bytes) await giveBack(transaction, upload, upload.length - bytes)
        const cutOff = await cut(transaction, upload, assetId, version - most + 1)
        const tags = cutOff.map((gone) => versionTag(assetId, gone))
        if (hasCaches && tags.length > 0) await notePurge(transaction, project, tags)
        return version
      }),

    /** An asset of this owner. @throws AppError `asset_not_found`. */
    get: ({ project, subject }: Owner, id: string): Promise<Asset> =>
      database.read({ project }, async (read) => {
        const { rows } = await read.query<AssetRow>(
          `${ASSETS} WHERE a.project_id = $1 AND a.subject = $2 AND a.asset_id = $3`,
          [project, subject, id],
        )
        if (!rows[0]) throw new AppError('asset_not_found')
        return view(read, project, rows[0])
      }),

    /** One version of an asset, whosever it is: for addresses that were signed. @throws AppError `asset_not_found`. */
    granted: (project: string, id: string, version: number): Promise<{ name: string; found: AssetVersion }> =>
      database.read({ project }, async (read) => {
        const { rows } = await read.query<AssetRow>(
          `SELECT ${VERSION}, ${DETAILS} FROM headgate.assets a
             JOIN headgate.asset_versions v ON v.project_id = a.project_id AND v.asset_id = a.asset_id
            WHERE a.project_id = $1 AND a.asset_id = $2 AND v.version = $3`,
          [project, id, version],
        )
        if (!rows[0]) throw new AppError('asset_not_found')
        const { details, ...found } = await view(read, project, rows[0])
        return { name: details.name, found }
      }),

    /** Assets of an owner, those made last first. */
    list: ({ project, subject }: Owner, after: string | undefined, limit: number): Promise<Asset[]> =>
      database.read({ project }, async (read) => {
        const { rows } = await read.query<AssetRow>(
          `${ASSETS} WHERE a.project_id = $1 AND a.subject = $2 AND ($3::text IS NULL OR a.asset_id < $3)
            ORDER BY a.asset_id DESC LIMIT $4`,
          [project, subject, after ?? null, limit],
        )
        const assets: Asset[] = []
        for (const row of rows) assets.push(await view(read, project, row))
        return assets
      }),

    /** The versions of an asset that are kept, the last first. @throws AppError `asset_not_found`. */
    versions: ({ project, subject }: Owner, id: string): Promise<AssetVersion[]> =>
      database.read({ project }, async ({ query }) => {
        const { rows } = await query<VersionRow>(
          `SELECT ${VERSION} FROM headgate.assets a
             JOIN headgate.asset_versions v ON v.project_id = a.project_id AND v.asset_id = a.asset_id
            WHERE a.project_id = $1 AND a.subject = $2 AND a.asset_id = $3 ORDER BY v.version DESC`,
          [project, subject, id],
        )
        if (rows.length === 0) throw new AppError('asset_not_found')
        return rows.map(versionView)
      }),

    /** Changes what is said of an asset. @throws AppError `asset_not_found`. */
    change: ({ project, subject }: Owner, id: string, change: Partial<AssetDetails>): Promise<Asset> =>
      database.transaction({ project }, async (transaction) => {
        await locked(transaction, { project, subject }, id)
        const { rows } = await transaction.query<AssetRow>(`${ASSETS} WHERE a.project_id = $1 AND a.asset_id = $2`, [
          ...[project, id],
        ])
        const present = await view(transaction, project, rows[0] as AssetRow)
        const details = { ...present.details, ...change }
        const place = detailsPlace({ project, subject }, 'assets', id)
        const sealed = await seal(transaction, place, JSON.stringify(details))
        const { rows: changed } = await transaction.query<{ updated_at: Date }>(
          `UPDATE headgate.assets SET details = $3, updated_at = now() WHERE project_id = $1 AND asset_id = $2
            RETURNING updated_at`,
          [project, id, sealed],
        )
        return { ...present, details, changedAt: changed[0]?.updated_at as Date }
      }),

    /** Erases an asset with all its versions. @throws AppError `asset_not_found`. */
    remove: ({ project, subject }: Owner, id: string): Promise<void> =>
      database.transaction({ project }, async (transaction) => {
        const { version } = await locked(transaction, { project, subject }, id)
        await cut(transaction, { project, subject }, id, version + 1)
        if (hasCaches) await notePurge(transaction, project, [assetTag(id)])
        await transaction.execute('DELETE FROM headgate.assets WHERE project_id = $1 AND asset_id = $2', [project, id])
      }),

    /** Bytes that count against the quota of an owner. */
    used: ({ project, subject }: Owner): Promise<number> =>
      database.read({ project }, async ({ query }) => {
        const { rows } = await query<{ bytes: string }>(
          'SELECT bytes::text FROM headgate.asset_owners WHERE project_id = $1 AND subject = $2',
          [project, subject],
        )
        return Number(rows[0]?.bytes ?? 0)
      }),
  }
}

export type AssetStore = ReturnType<typeof createAssetStore>
