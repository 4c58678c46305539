import type { Database } from '../../kernel/db.ts'
import type { Owner, SealPort } from './assets.ports.ts'
import { thumbnailPlace } from './places.ts'

/** Small pictures of contents, in PostgreSQL: they go with their content. */
export const createThumbnailStore = (
  database: Pick<Database, 'read' | 'transaction'>,
  { seal, openBytes }: Pick<SealPort, 'seal' | 'openBytes'>,
) => ({
  /** That of a content, so wide; null while there is none. */
  get: (owner: Owner, blob: string, width: number): Promise<Buffer | null> =>
    database.read({ project: owner.project }, async (read) => {
      const { rows } = await read.query<{ sealed: Buffer }>(
        'SELECT sealed FROM headgate.asset_thumbnails WHERE project_id = $1 AND digest = $2 AND width = $3',
        [owner.project, blob, width],
      )
      return rows[0] ? openBytes(read, thumbnailPlace(owner, blob, width), rows[0].sealed) : null
    }),

  /** Keeps one as long as its content is kept, and not where that is erased already. */
  put: (owner: Owner, blob: string, width: number, picture: Buffer): Promise<void> =>
    database.transaction({ project: owner.project }, async (transaction) => {
      const sealed = await seal(transaction, thumbnailPlace(owner, blob, width), picture)
      await transaction.execute(
        `INSERT INTO headgate.asset_thumbnails (project_id, digest, width, sealed)
           SELECT project_id, digest, $3, $4 FROM headgate.asset_blobs WHERE project_id = $1 AND digest = $2 FOR KEY SHARE
           ON CONFLICT DO NOTHING`,
        [owner.project, blob, width, sealed],
      )
    }),
})

export type ThumbnailStore = ReturnType<typeof createThumbnailStore>
