import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Owner } from './assets.ports.ts'
import type { AssetStore } from './assets.store.ts'
import type { ReadChunks } from './read-chunks.ts'

/** A content that somebody owns. */
export interface OwnedContent {
  /** Of its folders and name: letters, digits and few signs, whatever it is called. */
  readonly path: string
  readonly open: () => Promise<AsyncIterable<Buffer>>
}

const AT_ONCE = 100
/** Deleted since the page was read: it has none. */
const noneIfGone = (fault: unknown): [] => {
  if (fault instanceof AppError && fault.code === 'asset_not_found') return []
  throw fault
}
/** A name that every file system takes, and that leads nowhere else. */
const plain = (name: string): string =>
  name
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._ -]/gu, '_')
    .replace(/^[. ]/, '_')
    .slice(0, 100)

/** All contents of an owner, every version, and what has come of uploads under way; a page at a time. */
export const createOwnedContents = (
  database: Database,
  assets: Pick<AssetStore, 'list' | 'versions'>,
  read: ReadChunks,
) =>
  async function* (owner: Owner): AsyncGenerator<OwnedContent> {
    const { project, subject } = owner
    let after: string | undefined
    for (;;) {
      const page = await assets.list(owner, after, AT_ONCE)
      for (const { assetId, details } of page) {
        const versions = await assets.versions(owner, assetId).catch(noneIfGone)
        for (const { version, blob, bytes } of versions)
          yield {
            path: `${assetId}/${version}-${plain(details.name)}`,
            open: () => read.open(project, blob, { from: 0, bytes }),
          }
      }
      after = page.at(-1)?.assetId
      if (page.length < AT_ONCE) break
    }
    const { rows } = await database.read({ project }, ({ query }) =>
      query<{ id: string; received: string }>(
        `SELECT upload_id AS id, received::text FROM headgate.asset_uploads
          WHERE project_id = $1 AND subject = $2 AND version IS NULL AND received > 0 AND role <> 'final'`,
        [project, subject],
      ),
    )
    for (const { id, received } of rows)
      yield {
        path: `uploads/${id}`,
        open: () => read.open(project, id, { from: 0, bytes: Number(received) }),
      }
  }
