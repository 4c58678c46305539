import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Owner } from './assets.ports.ts'
import type { AssetStore } from './assets.store.ts'
import type { UploadStore } from './uploads.store.ts'

const AT_ONCE = 100

interface ForgetPorts {
  readonly database: Database
  readonly assets: Pick<AssetStore, 'remove'>
  readonly uploads: Pick<UploadStore, 'remove'>
  /** Told that objects are to be erased. */
  readonly onDropped: () => void
}

/** Erases what an owner has, a batch at a time. What is being uploaded meanwhile is there the next time; what has expired is swept away. */
export const createForgetOwner = ({ database, assets, uploads, onDropped }: ForgetPorts) => {
  const some = ({ project, subject }: Owner, select: string): Promise<string[]> =>
    database.read({ project }, async ({ query }) => {
      const { rows } = await query<{ id: string }>(
        `SELECT ${select} WHERE project_id = $1 AND subject = $2 LIMIT ${AT_ONCE}`,
        [project, subject],
      )
      return rows.map(({ id }) => id)
    })
  /** Resolves to how many there were; none is asked for twice. */
  const empty = async (
    list: () => Promise<readonly string[]>,
    remove: (id: string) => Promise<unknown>,
  ): Promise<number> => {
    const seen = new Set<string>()
    for (;;) {
      const ids = (await list()).filter((id) => !seen.has(id))
      if (ids.length === 0) return seen.size
      for (const id of ids) {
        seen.add(id)
        await remove(id)
      }
    }
  }
  const removeAsset = async (owner: Owner, id: string): Promise<void> => {
    try {
      await assets.remove(owner, id)
    } catch (fault) {
      // Its owner was faster.
      if (!(fault instanceof AppError && fault.code === 'asset_not_found')) throw fault
    }
  }

  return async (owner: Owner): Promise<Readonly<Record<string, number>>> => {
    const touched = {
      asset_uploads: await empty(
        () => some(owner, 'upload_id AS id FROM headgate.asset_uploads'),
        (id) => uploads.remove(owner, id),
      ),
      assets: await empty(
        () => some(owner, 'asset_id AS id FROM headgate.assets'),
        (id) => removeAsset(owner, id),
      ),
    }
    if (touched.assets + touched.asset_uploads > 0) onDropped()
    return Object.fromEntries(Object.entries(touched).filter(([, rows]) => rows > 0))
  }
}
