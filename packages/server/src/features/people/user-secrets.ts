import { createHmac } from 'node:crypto'
import type { MakeUserSecret, UserSecretList } from '@headgate/contract/user-secrets.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { randomHex } from '../../kernel/ids.ts'
import type { AuditPort, Operator } from './people.ports.ts'
import {
  deleteUserSecrets,
  endUserSecrets,
  insertUserSecret,
  listUserSecrets,
  raiseRevision,
  type UserSecretRow,
} from './people.store.ts'
import type { UserSecret } from './user-signatures.ts'

const DEFAULT_OVERLAP_SECONDS = 86_400

/** A secret under which keys and the like are derived, and its id. */
export interface Pepper {
  readonly id: string
  readonly value: Buffer
}

export interface UserSecretsOptions {
  readonly database: Database
  readonly audit: AuditPort
  readonly clock: Clock
  readonly pepper: Pepper
  readonly hasProject: (id: string) => Promise<boolean>
  /** Called after each change, so that this replica acts on it at once. */
  readonly changed: () => Promise<void>
}

/** Makes, replaces and ends the secrets under which backends sign users. */
export const createUserSecrets = ({ database, audit, clock, pepper, hasProject, changed }: UserSecretsOptions) => {
  const derive = (project: string, id: string): string =>
    `hg_us_${createHmac('sha256', pepper.value).update(`headgate/user-secret/1 ${project} ${id}`).digest('base64url')}`
  const mustExist = async (project: string): Promise<void> => {
    if (!(await hasProject(project))) throw new AppError('resource_not_found', { detail: 'There is no such project.' })
  }
  const entry = (project: string, action: string) => ({ action, resource: `user_secret/${project}`, project })

  return {
    /** What the rows stand for; those of another root key sign nothing here. */
    open: (rows: readonly UserSecretRow[]): UserSecret[] =>
      rows
        .filter(({ pepper_id: id }) => id === pepper.id)
        .map(({ project_id: project, secret_id: id, expires_at: end }) => ({
          project,
          secret: derive(project, id),
          validUntil: end?.getTime() ?? Number.POSITIVE_INFINITY,
        })),

    /** Those of a project, without what they are. @throws AppError `resource_not_found`. */
    list: async (project: string): Promise<UserSecretList> => {
      await mustExist(project)
      const rows = await database.read({ project }, (read) => listUserSecrets(read, project))
      const signs = ({ pepper_id: id, expires_at: end }: UserSecretRow): boolean =>
        id === pepper.id && (end === null || end.getTime() > clock.now())
      return {
        object: 'list',
        data: rows.map((row) => ({
          object: 'user_secret',
          project,
          created_at: row.created_at.toISOString(),
          ends_at: row.expires_at?.toISOString() ?? null,
          signs: signs(row),
        })),
        has_more: false,
        next_cursor: null,
      }
    },

    /** A new secret; the former one stays valid for the overlap. @throws AppError `resource_not_found`. */
    make: async (project: string, { overlap_seconds: seconds }: MakeUserSecret, operator: Operator) => {
      await mustExist(project)
      const now = clock.now()
      const overlapEnds = new Date(now + (seconds ?? DEFAULT_OVERLAP_SECONDS) * 1_000)
      const id = randomHex(16)
      const former = await database.transaction('system', async (transaction) => {
        await raiseRevision(transaction)
        const ended = await endUserSecrets(transaction, project, overlapEnds)
        await insertUserSecret(transaction, { secret_id: id, project_id: project, pepper_id: pepper.id }, new Date(now))
        await audit.record(transaction, {
          ...operator,
          ...entry(project, ended === 0 ? 'user_secret.created' : 'user_secret.rotated'),
          ...(ended > 0 && { after: { former_secret_ends: overlapEnds.toISOString() } }),
        })
        return ended > 0
      })
      await changed()
      return { secret: derive(project, id), formerEndsAt: former ? overlapEnds : null }
    },

    /** Ends all secrets of a project at once. @throws AppError `resource_not_found`. */
    end: async (project: string, operator: Operator): Promise<void> => {
      await mustExist(project)
      await database.transaction('system', async (transaction) => {
        await raiseRevision(transaction)
        if ((await deleteUserSecrets(transaction, project)) === 0)
          throw new AppError('resource_not_found', { detail: 'The project has no secret for signed users.' })
        await audit.record(transaction, { ...operator, ...entry(project, 'user_secret.deleted') })
      })
      await changed()
    },
  }
}

export type UserSecrets = ReturnType<typeof createUserSecrets>
