import type { Transaction } from '../../kernel/db.ts'
import { doomChunks } from './chunks.store.ts'
import { blobName } from './places.ts'
import type { Upload } from './uploads.store.ts'

/** What an upload's bytes are. */
export interface Content {
  readonly digest: string
  readonly bytes: number
  readonly type: string
  readonly charset: string | null
  readonly wasScanned: boolean
}

/**
 * The name of a version’s content, as the index has it. Not `coalesce`, which PostgreSQL takes to tell what row-level security hides: no index
 * would be used for it.
 */
const BLOB = 'CASE WHEN v.blob IS NULL THEN v.digest ELSE v.blob END'

/** Erases contents that no version has any more. They are locked in their order, so that two erasures do not wait for each other. */
export const releaseContents = async (
  transaction: Transaction,
  project: string,
  blobs: readonly string[],
): Promise<void> => {
  for (const blob of [...new Set(blobs)].sort()) {
    const { rows } = await transaction.query(
      'SELECT 1 FROM headgate.asset_blobs WHERE project_id = $1 AND digest = $2 FOR UPDATE',
      [project, blob],
    )
    const gone = await transaction.execute(
      `DELETE FROM headgate.asset_blobs b WHERE project_id = $1 AND digest = $2 AND NOT EXISTS (
         SELECT FROM headgate.asset_versions v WHERE v.project_id = b.project_id AND ${BLOB} = b.digest)`,
      [project, blob],
    )
    if (rows.length > 0 && gone === 1) await doomChunks(transaction, project, blob)
  }
}

/** Gives the bytes of an upload to their content, or erases them where its owner has such content already. */
export const settleContent = async (
  transaction: Transaction,
  upload: Upload,
  { digest, bytes }: Content,
): Promise<string> => {
  const { project, id } = upload
  const blob = blobName(upload, digest)
  const place = [project, blob]
  for (;;) {
    const made = await transaction.execute(
      'INSERT INTO headgate.asset_blobs (project_id, digest, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [...place, bytes],
    )
    if (made === 1) {
      await transaction.execute('UPDATE headgate.asset_chunks SET holder = $2 WHERE project_id = $1 AND holder = $3', [
        ...[...place, id],
      ])
      return blob
    }
    const { rows } = await transaction.query(
      'SELECT 1 FROM headgate.asset_blobs WHERE project_id = $1 AND digest = $2 FOR UPDATE',
      place,
    )
    // Else it was erased between the two: it is made anew.
    if (rows.length === 1) {
      await doomChunks(transaction, project, id)
      return blob
    }
  }
}
