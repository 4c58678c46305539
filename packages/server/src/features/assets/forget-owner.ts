import type { Database } from '../../kernel/db.ts'
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

/** Erases what an owner has, a batch at a time. What is being uploaded meanwhile is there the next time. */
export const createForgetOwner = ({ database, assets, uploads, onDropped }: ForgetPorts) => {
  const some = (table: string, column: string, { project, subject }: Owner): Promise<string[]> =>
    database.read({ project }, async ({ query }) => {
      const { rows } = await query<{ id: string }>(
        `SELECT ${column} AS id FROM headgate.${table} WHERE project_id = $1 AND subject = $2 LIMIT ${AT_ONCE}`,
        [project, subject],
      )
      return rows.map(({ id }) => id)
    })
  return async (owner: Owner): Promise<Readonly<Record<string, number>>> => {
    const touched = { assets: 0, asset_uploads: 0 }
    const empty = async (table: keyof typeof touched, column: string, remove: (id: string) => Promise<unknown>) => {
      for (let ids = await some(table, column, owner); ids.length > 0; ids = await some(table, column, owner))
        for (const id of ids) {
          await remove(id)
          touched[table] += 1
        }
    }
    await empty('asset_uploads', 'upload_id', (id) => uploads.remove(owner, id))
    await empty('assets', 'asset_id', (id) => assets.remove(owner, id))
    if (touched.assets + touched.asset_uploads > 0) onDropped()
    return Object.fromEntries(Object.entries(touched).filter(([, rows]) => rows > 0))
  }
}
