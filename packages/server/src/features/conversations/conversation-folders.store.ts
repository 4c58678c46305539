import { takeChanges } from './conversation-changes.store.ts'
import {
  openSession,
  SESSION_COLUMNS,
  type SessionRow,
  type SessionStore,
  type SessionStoreOptions,
} from './conversation-sessions.store.ts'
import type { ConversationOwner } from './conversations.ports.ts'

/** A folder, and how many sessions are in it. */
export interface Folder {
  readonly name: string
  readonly sessions: number
}

type FolderStoreOptions = SessionStoreOptions & { readonly sessions: Pick<SessionStore, 'write'> }

/** Sessions that are taken to another folder in one transaction, which holds their owner meanwhile. */
const MOVED_AT_ONCE = 50

/** The folders of owners: names that sessions say they are in. */
export const createFolderStore = ({ database, seal, digests, bounds, sessions }: FolderStoreOptions) => {
  const moveSome = (owner: ConversationOwner, from: string, to: string | null, most: number): Promise<number> =>
    database.transaction({ project: owner.project }, async (transaction) => {
      const { rows } = await transaction.query<SessionRow>(
        `SELECT ${SESSION_COLUMNS} FROM headgate.conversation_sessions
          WHERE project_id = $1 AND subject = $2 AND folder = $3 ORDER BY change LIMIT $4 FOR UPDATE`,
        [owner.project, owner.subject, digests.folder(owner, from), most],
      )
      if (rows.length === 0) return 0
      const first = await takeChanges(transaction, owner, { changes: rows.length }, bounds())
      for (const [index, row] of rows.entries()) {
        const content = await openSession(seal, transaction, owner, row)
        const growth = { messages: 0, bytes: 0 }
        await sessions.write(transaction, owner, row, { ...content, folder: to }, first + index, growth)
      }
      return rows.length
    })

  return {
    /** The folders of an owner, by name; `most` at most. */
    list: (owner: ConversationOwner, most: number): Promise<readonly Folder[]> =>
      database.read({ project: owner.project }, async (read) => {
        // One session of each tells its name: the one that changed last.
        const { rows } = await read.query<SessionRow & { readonly sessions: bigint }>(
          `WITH folders AS MATERIALIZED (
             SELECT max(change) AS change, count(*) AS sessions FROM headgate.conversation_sessions
              WHERE project_id = $1 AND subject = $2 AND folder IS NOT NULL GROUP BY folder LIMIT $3)
           SELECT s.*, folders.sessions FROM folders CROSS JOIN LATERAL (
             SELECT ${SESSION_COLUMNS} FROM headgate.conversation_sessions
              WHERE project_id = $1 AND subject = $2 AND change = folders.change) s`,
          [owner.project, owner.subject, most],
        )
        const found: Folder[] = []
        for (const row of rows) {
          const { folder } = await openSession(seal, read, owner, row)
          if (folder !== null) found.push({ name: folder, sessions: Number(row.sessions) })
        }
        return found.sort((one, two) => one.name.localeCompare(two.name, 'und'))
      }),

    /** Takes sessions of one folder to another, or out of all; resolves to how many, `most` at most. */
    rename: async (owner: ConversationOwner, from: string, to: string | null, most: number): Promise<number> => {
      if (from === to) return 0
      let moved = 0
      while (moved < most) {
        const some = await moveSome(owner, from, to, Math.min(MOVED_AT_ONCE, most - moved))
        if (some === 0) break
        moved += some
      }
      return moved
    },
  }
}
export type FolderStore = ReturnType<typeof createFolderStore>
