import type { KeyPepper, KeyPeppers, RetirePepper, StandingKey } from '@headgate/contract/key-peppers.ts'
import { type Page, type PageQuery, pageOf } from '@headgate/contract/keys.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AuditPort } from './identity.ports.ts'
import type { IdentityStore } from './identity.store.ts'
import type { Pepper } from './key-secret.ts'
import type { Operator } from './keys.service.ts'
import type { PepperRow } from './peppers.store.ts'

const DEFAULT_PAGE = 20
const MOST_SHOWN = 100
/** Keys that a refusal, or the audit, names. */
const MOST_NAMED = 20

interface PeppersServiceOptions {
  readonly store: IdentityStore
  readonly clock: Clock
  readonly audit: AuditPort
  readonly pepperOf: (generation: number) => Pepper
  /** Called after each change, so that this replica acts on it at once. */
  readonly changed: () => Promise<void>
}

/** The life of the pepper under which API keys are hashed. */
export const createPeppersService = ({ store, clock, audit, pepperOf, changed }: PeppersServiceOptions) => {
  const { statements } = store
  const show = async (read: Read): Promise<KeyPeppers> => {
    const rows = await statements.readPeppers(read)
    const standing = await statements.countStanding(read)
    const known = new Set(rows.map(({ generation }) => pepperOf(generation).id))
    const stateOf = (row: PepperRow, index: number): KeyPepper['state'] =>
      row.retired_at !== null ? 'destroyed' : index === 0 ? 'active' : 'retiring'
    return {
      object: 'key_peppers',
      rotation: rows.filter(({ retired_at: end }) => end === null).length > 1 ? 'overlapping' : 'idle',
      data: rows.slice(0, MOST_SHOWN).map((row, index) => ({
        object: 'key_pepper',
        generation: row.generation,
        id: pepperOf(row.generation).id,
        state: stateOf(row, index),
        created_at: row.created_at.toISOString(),
        retired_at: row.retired_at?.toISOString() ?? null,
        keys: standing.get(pepperOf(row.generation).id) ?? 0,
      })),
      unknown_keys: [...standing].reduce((sum, [id, keys]) => sum + (known.has(id) ? 0 : keys), 0),
    }
  }

  const change = async (work: (transaction: Transaction, rows: readonly PepperRow[]) => Promise<void>) => {
    const shown = await store.write(async (transaction) => {
      // Others that change keys, or put hashes under a newer pepper, wait until this ends.
      await statements.nextRevision(transaction)
      await work(transaction, await statements.readPeppers(transaction))
      return show(transaction)
    })
    await changed()
    return shown
  }

  const find = (rows: readonly PepperRow[], generation: number): PepperRow => {
    const row = rows.find((one) => one.generation === generation)
    if (row === undefined) throw new AppError('resource_not_found', { detail: 'There is no such generation.' })
    return row
  }

  return {
    list: (): Promise<KeyPeppers> => store.read(show),

    /** The keys that stand under a generation: they were not used since a newer one came. @throws AppError `resource_not_found` */
    standing: async (generation: number, query: PageQuery): Promise<Page<StandingKey>> => {
      const limit = Number(query.limit ?? DEFAULT_PAGE)
      const rows = await store.read(async (read) => {
        find(await statements.readPeppers(read), generation)
        return statements.standingKeys(read, pepperOf(generation).id, { after: query.after ?? null, limit: limit + 1 })
      })
      return pageOf(
        rows,
        limit,
        (row) => row.key_id,
        (row) => ({
          object: 'standing_key',
          id: row.key_id,
          name: row.name,
          project: row.project_id,
          last_used_at: row.last_used_at?.toISOString() ?? null,
        }),
      )
    },

    /** Makes the next generation; the former one is accepted too until it is retired. @throws AppError `pepper_in_use` */
    rotate: (operator: Operator): Promise<KeyPeppers> =>
      change(async (transaction, rows) => {
        const [newest, former] = rows.filter(({ retired_at: end }) => end === null)
        if (former !== undefined)
          throw new AppError('pepper_in_use', {
            detail: `Generation ${former.generation} is still accepted: retire it first.`,
            params: { generation: former.generation },
          })
        const generation = (newest?.generation ?? 0) + 1
        await statements.insertPepper(transaction, generation, new Date(clock.now()))
        await audit.record(transaction, {
          ...operator,
          action: 'pepper.rotated',
          resource: `pepper/${generation}`,
          after: { generation, id: pepperOf(generation).id },
        })
      }),

    /**
     * Ends a former generation. While keys stand under it, only for who accepts that they are recognised no more.
     * @throws AppError `resource_not_found`, `pepper_in_use`
     */
    retire: (
      generation: number,
      { accept_loss: acceptLoss = false }: RetirePepper,
      operator: Operator,
    ): Promise<KeyPeppers> =>
      change(async (transaction, rows) => {
        const row = find(rows, generation)
        if (row.retired_at !== null) return
        if (row === rows[0])
          throw new AppError('pepper_in_use', {
            detail: `Generation ${generation} is the newest: rotate first.`,
            params: { generation },
          })
        const { id } = pepperOf(generation)
        const keys = (await statements.countStanding(transaction)).get(id) ?? 0
        const named = await statements.standingKeys(transaction, id, { after: null, limit: MOST_NAMED })
        const names = named.map((key) => `${key.key_id} (${key.name})`).join(', ')
        if (keys > 0 && !acceptLoss)
          throw new AppError('pepper_in_use', {
            detail: `${keys} keys were not used since, and would be lost: ${names}${keys > named.length ? ', …' : ''}.`,
            params: { generation, keys },
          })
        await statements.retirePepper(transaction, generation, new Date(clock.now()))
        await statements.deleteHashes(transaction, id)
        await audit.record(transaction, {
          ...operator,
          action: 'pepper.retired',
          resource: `pepper/${generation}`,
          after: { generation, keys_lost: keys, keys: named.map((key) => key.key_id) },
        })
      }),
  }
}
export type PeppersService = ReturnType<typeof createPeppersService>
