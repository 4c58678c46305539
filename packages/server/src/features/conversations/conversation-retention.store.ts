import { agedCondition, agedValues, type EndAged, type RetentionPeriods } from '../../kernel/aged.ts'
import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { SessionStore } from './conversation-sessions.store.ts'

interface AgedRow {
  readonly project_id: string
  readonly subject: string
  readonly session_id: string
  readonly change: bigint
  readonly at: Date
  /** Microseconds and all. */
  readonly updated_at: string
}

const AT_ONCE = 100
const FROM_THE_BEGINNING = ['-infinity', ''] as const

/** Deletes sessions that nobody has changed for as long as they are kept. One that is changed meanwhile stays. */
export const createRetention = (database: Database, sessions: Pick<SessionStore, 'remove'>): EndAged => {
  /** Sessions that are too old, the oldest first. */
  const aged = async (
    periods: RetentionPeriods,
    after: readonly [at: string, id: string],
  ): Promise<readonly AgedRow[]> => {
    const values = agedValues(periods)
    if (values === null) return []
    return database.read('system', async ({ query }) => {
      const { rows } = await query<AgedRow>(
        `SELECT project_id, subject, session_id, change, updated_at AS at, updated_at::text
           FROM headgate.conversation_sessions
          WHERE ${agedCondition('updated_at', 'subject')} AND (updated_at, session_id) > ($4::timestamptz, $5)
          ORDER BY updated_at, session_id LIMIT ${AT_ONCE}`,
        [...values, ...after],
      )
      return rows
    })
  }

  return async (periods, { most, isOver, onEnded }) => {
    let left = most
    for (let after: readonly [string, string] = FROM_THE_BEGINNING; !isOver(); ) {
      const rows = await aged(periods, after)
      for (const { project_id: project, subject, session_id: id, change, at } of rows) {
        if (isOver() || left === 0) return
        try {
          await sessions.remove({ project, subject }, id, Number(change))
          left -= 1
          onEnded({ project, at })
        } catch (fault) {
          if (!(fault instanceof AppError)) throw fault
        }
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < AT_ONCE) break
      after = [last.updated_at, last.session_id]
    }
  }
}
