import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { SessionStore } from './conversation-sessions.store.ts'
import type { ConversationRetention } from './conversations.ports.ts'

interface AgedRow {
  readonly project_id: string
  readonly subject: string
  readonly session_id: string
  readonly change: bigint
  /** Microseconds and all. */
  readonly updated_at: string
}

const AT_ONCE = 100
const FROM_THE_BEGINNING = ['-infinity', ''] as const

/** Deletes sessions that nobody has changed for as long as they are kept. */
export const createRetention = (database: Database, sessions: Pick<SessionStore, 'remove'>) => {
  /** Sessions that are too old, the oldest first. */
  const aged = (
    { days, projectDays }: ConversationRetention,
    after: readonly [at: string, id: string],
  ): Promise<readonly AgedRow[]> => {
    const bounded = [days, ...Object.values(projectDays)].filter((one) => one > 0)
    if (bounded.length === 0) return Promise.resolve([])
    return database.read('system', async ({ query }) => {
      const { rows } = await query<AgedRow>(
        `SELECT project_id, subject, session_id, change, updated_at::text FROM headgate.conversation_sessions
          WHERE updated_at < now() - make_interval(days => $1) AND (updated_at, session_id) > ($2::timestamptz, $3)
            AND CASE coalesce(($4::jsonb ->> project_id)::int, $5) WHEN 0 THEN false
              ELSE updated_at < now() - make_interval(days => coalesce(($4::jsonb ->> project_id)::int, $5)) END
          ORDER BY updated_at, session_id LIMIT ${AT_ONCE}`,
        [Math.min(...bounded), ...after, JSON.stringify(projectDays), days],
      )
      return rows
    })
  }

  /** Resolves to how many were deleted. One that is changed meanwhile stays. */
  return async (kept: ConversationRetention, isOver: () => boolean): Promise<number> => {
    let gone = 0
    for (let after: readonly [string, string] = FROM_THE_BEGINNING; !isOver(); ) {
      const rows = await aged(kept, after)
      for (const { project_id: project, subject, session_id: id, change } of rows) {
        if (isOver()) break
        try {
          await sessions.remove({ project, subject }, id, Number(change))
          gone += 1
        } catch (fault) {
          if (!(fault instanceof AppError)) throw fault
        }
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < AT_ONCE) break
      after = [last.updated_at, last.session_id]
    }
    return gone
  }
}
