import { agedCondition, agedValues, type EndAged } from '../../kernel/aged.ts'
import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AssetStore } from './assets.store.ts'

interface AgedRow {
  readonly project_id: string
  readonly subject: string
  readonly asset_id: string
  readonly at: Date
  /** Microseconds and all. */
  readonly updated_at: string
}

const AT_ONCE = 100
const FROM_THE_BEGINNING = ['-infinity', ''] as const

/** Erases assets that nobody has changed for as long as they are kept, with their contents. */
export const createEndAged = (
  database: Database,
  assets: Pick<AssetStore, 'remove'>,
  /** Told that objects are to be erased. */
  onDropped: () => void,
): EndAged => {
  const remove = async (project: string, subject: string, id: string): Promise<boolean> => {
    try {
      await assets.remove({ project, subject }, id)
      return true
    } catch (fault) {
      // Its owner was faster.
      if (fault instanceof AppError && fault.code === 'asset_not_found') return false
      throw fault
    }
  }
  return async (periods, { most, isOver, onEnded }) => {
    const values = agedValues(periods)
    let left = values === null ? 0 : most
    for (let after: readonly [string, string] = FROM_THE_BEGINNING; left > 0 && !isOver(); ) {
      const { rows } = await database.read('system', ({ query }) =>
        query<AgedRow>(
          `SELECT project_id, subject, asset_id, updated_at AS at, updated_at::text FROM headgate.assets
            WHERE ${agedCondition('updated_at', 'subject')} AND (updated_at, asset_id) > ($4::timestamptz, $5)
            ORDER BY updated_at, asset_id LIMIT ${AT_ONCE}`,
          [...(values ?? []), ...after],
        ),
      )
      for (const { project_id: project, subject, asset_id: id, at } of rows) {
        if (left === 0 || isOver()) break
        if (!(await remove(project, subject, id))) continue
        left -= 1
        onEnded({ project, at })
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < AT_ONCE) break
      after = [last.updated_at, last.asset_id]
    }
    if (left < most) onDropped()
  }
}
