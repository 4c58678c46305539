import type {
  CreateKey,
  Key,
  KeyState,
  Page,
  PageQuery,
  RevokeKey,
  RotateKey,
  UpdateKey,
} from '@headgate/contract/keys.ts'
import { pageOf } from '@headgate/contract/keys.ts'
import type { Caller } from '../../domain/caller.ts'
import { formatUsd } from '../../domain/money.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { AuditPort, BudgetPort } from './identity.ports.ts'
import type { IdentityStore, KeyRow } from './identity.store.ts'
import { makeCaller } from './key-directory.ts'
import { checkTier, readBudget, readExpiry, readOrigins, refuse } from './key-input.ts'
import { auditedKey, presentKey } from './key-presentation.ts'
import { hashKey, mintKey, mintPublicId, type Pepper } from './key-secret.ts'
import { nextStates } from './key-states.ts'

const DEFAULT_OVERLAP_SECONDS = 86_400
const DEFAULT_PAGE = 20
const PUBLIC_ID = /^[0-9A-Za-z]{12}$/

/** Who changes something, for the audit. */
export interface Operator {
  readonly actor: string
  readonly requestId?: string
}

export interface KeysServiceOptions {
  readonly store: IdentityStore
  readonly clock: Clock
  /** Of a generation. */
  readonly pepperOf: (generation: number) => Pepper
  readonly audit: AuditPort
  readonly budgets: BudgetPort
  /** Names of the configured tiers, asked anew each time. */
  readonly tiers: () => readonly string[]
  /** Called after each change, so that this replica acts on it at once. */
  readonly changed: () => Promise<void>
}

/** A key together with its secret, which is shown this once. */
export type KeyWithSecret = Key & { readonly key: string }

/** The life of API keys; every change is audited in its own transaction. */
export const createKeysService = (options: KeysServiceOptions) => {
  const { store, clock, pepperOf, audit, budgets, tiers } = options
  const { statements } = store

  const present = async (rows: readonly KeyRow[]): Promise<Key[]> => {
    const ids = rows.flatMap((row) => row.budget_id ?? [])
    const states = ids.length === 0 ? new Map() : await budgets.state(ids)
    return rows.map((row) => presentKey(row, row.budget_id === null ? undefined : states.get(row.budget_id)))
  }
  const presentOne = async (row: KeyRow): Promise<Key> => (await present([row]))[0] as Key

  const notFound = (id: string) =>
    new AppError('resource_not_found', { detail: `There is no key ${PUBLIC_ID.test(id) ? id : 'with this id'}.` })

  /** Runs a change of one key; other changes of identity wait. */
  const change = async <T>(
    id: string,
    work: (transaction: Transaction, before: KeyRow, revision: bigint) => Promise<T>,
  ): Promise<T> => {
    if (!PUBLIC_ID.test(id)) throw notFound(id)
    const result = await store.write(async (transaction) => {
      const revision = await statements.nextRevision(transaction)
      const before = await statements.key(transaction, id)
      if (!before) throw notFound(id)
      return work(transaction, before, revision)
    })
    await options.changed()
    return result
  }

  const moveTo = (before: KeyRow, state: KeyState): KeyState => {
    if (state === before.state) return state
    const allowed = nextStates(before.state)
    if (!allowed.includes(state))
      throw refuse(
        'state',
        `cannot become ${state}: the key is ${before.state}`,
        allowed.length === 0 ? 'Create a new key.' : `Possible: ${allowed.join(', ')}.`,
      )
    return state
  }

  const addSecret = async (transaction: Transaction, row: KeyRow, at: Date): Promise<string> => {
    const key = mintKey(row.kind, row.key_id)
    // Asked here, since peppers change under the same lock: none is used that is retired meanwhile.
    const [newest] = await statements.readPeppers(transaction)
    const pepper = pepperOf(newest?.generation ?? 1)
    const secret = { key_id: row.key_id, project_id: row.project_id, hash: hashKey(pepper, key), pepper_id: pepper.id }
    await statements.insertSecret(transaction, secret, at)
    return key
  }

  /** Makes a key inside a transaction that has taken `revision`. */
  const createIn = async (
    transaction: Transaction,
    input: CreateKey,
    operator: Operator,
    revision: bigint,
  ): Promise<{ row: KeyRow; key: string }> => {
    const now = clock.now()
    const { kind = 'secret', project = 'default' } = input
    const tier = input.tier ?? (kind === 'publishable' ? 'anonymous' : 'pro')
    checkTier(tier, tiers())
    const origins = readOrigins(input.origins)
    if (kind === 'publishable' && origins.length === 0)
      throw refuse('origins', 'is required for a publishable key', 'List the origins of the pages that use it.')
    if (kind === 'secret' && origins.length > 0)
      throw refuse('origins', 'is for publishable keys only', 'Leave it out, or set "kind": "publishable".')
    const expires = readExpiry(input.expires_at, now)
    if (!(await statements.projectExists(transaction, project)))
      throw refuse('project', 'does not exist', 'Create it with POST /admin/v1/projects.')
    const budget = input.budget ? { id: prefixedId('bud', now), projectId: project, ...readBudget(input.budget) } : null
    if (budget) await budgets.put(transaction, budget)
    const at = new Date(now)
    const row = await statements.insertKey(
      transaction,
      {
        key_id: mintPublicId(),
        project_id: project,
        kind,
        name: input.name,
        tier,
        models: input.models ?? null,
        origins,
        state: input.state ?? 'active',
        budget_id: budget?.id ?? null,
        expires_at: expires,
        revision,
      },
      at,
    )
    const key = await addSecret(transaction, row, at)
    const limits = budget && { limit_usd: formatUsd(budget.limit), window: budget.window }
    await audit.record(transaction, {
      ...operator,
      action: 'key.created',
      resource: `key/${row.key_id}`,
      project,
      after: auditedKey(row, limits),
    })
    return { row, key }
  }

  const create = async (input: CreateKey, operator: Operator): Promise<KeyWithSecret> => {
    const { row, key } = await store.write(async (transaction) =>
      createIn(transaction, input, operator, await statements.nextRevision(transaction)),
    )
    await options.changed()
    return { ...(await presentOne(row)), key }
  }

  const list = async (query: PageQuery): Promise<Page<Key>> => {
    const limit = Number(query.limit ?? DEFAULT_PAGE)
    const after = query.after === undefined ? null : BigInt(query.after)
    const rows = await store.read((read) =>
      statements.keys(read, { project: query.project ?? null, after, limit: limit + 1 }),
    )
    const shown = new Map((await present(rows)).map((key) => [key.id, key]))
    return pageOf(
      rows,
      limit,
      (row) => row.position.toString(),
      (row) => shown.get(row.key_id) as Key,
    )
  }

  const get = async (id: string): Promise<Key> => {
    const row = PUBLIC_ID.test(id) ? await store.read((read) => statements.key(read, id)) : undefined
    if (!row) throw notFound(id)
    return presentOne(row)
  }

  const callerOf = async (id: string): Promise<Caller> => {
    const row = PUBLIC_ID.test(id) ? await store.read((read) => statements.key(read, id)) : undefined
    if (!row) throw notFound(id)
    return makeCaller(row)
  }

  const changeBudget = async (transaction: Transaction, before: KeyRow, input: UpdateKey['budget']) => {
    if (input === undefined) return { id: before.budget_id }
    if (input === null) {
      if (before.budget_id !== null) await budgets.remove(transaction, before.budget_id)
      return { id: null, limits: null }
    }
    const id = before.budget_id ?? prefixedId('bud', clock.now())
    const budget = readBudget(input)
    await budgets.put(transaction, { id, projectId: before.project_id, ...budget })
    return { id, limits: { limit_usd: formatUsd(budget.limit), window: budget.window } }
  }

  const update = async (id: string, input: UpdateKey, operator: Operator): Promise<Key> =>
    presentOne(
      await change(id, async (transaction, before, revision) => {
        if (before.state === 'destroyed') throw refuse('state', 'is destroyed: the key cannot change any more')
        if (input.tier !== undefined) checkTier(input.tier, tiers())
        if (input.origins !== undefined && before.kind === 'secret')
          throw refuse('origins', 'is for publishable keys only')
        const budget = await changeBudget(transaction, before, input.budget)
        const after = await statements.updateKey(
          transaction,
          {
            ...before,
            name: input.name ?? before.name,
            tier: input.tier ?? before.tier,
            models: input.models === undefined ? before.models : input.models,
            origins: input.origins === undefined ? before.origins : readOrigins(input.origins),
            expires_at: input.expires_at === undefined ? before.expires_at : readExpiry(input.expires_at, clock.now()),
            state: input.state === undefined ? before.state : moveTo(before, input.state),
            budget_id: budget.id,
            revision,
          },
          new Date(clock.now()),
        )
        if (after.state === 'destroyed') await statements.deleteSecrets(transaction, id)
        await audit.record(transaction, {
          ...operator,
          action: after.state === before.state ? 'key.updated' : `key.${after.state}`,
          resource: `key/${id}`,
          project: before.project_id,
          before: auditedKey(before),
          after: auditedKey(after, budget.limits),
          ...(input.reason !== undefined && { reason: input.reason }),
        })
        return after
      }),
    )

  const rotate = async (id: string, input: RotateKey, operator: Operator): Promise<KeyWithSecret> => {
    const { row, key } = await change(id, async (transaction, before, revision) => {
      if (before.state !== 'active')
        throw refuse('state', `is ${before.state}: only an active key can be rotated`, 'Create a new key.')
      const now = clock.now()
      const at = new Date(now)
      const overlapSeconds = input.overlap_seconds ?? DEFAULT_OVERLAP_SECONDS
      const overlapEnds = new Date(now + overlapSeconds * 1_000)
      await statements.endSecrets(transaction, id, at, overlapEnds)
      const row = await statements.updateKey(transaction, { ...before, revision }, at)
      const key = await addSecret(transaction, row, at)
      await audit.record(transaction, {
        ...operator,
        action: 'key.rotated',
        resource: `key/${id}`,
        project: row.project_id,
        after: { former_secret_ends: overlapEnds.toISOString() },
      })
      return { row, key }
    })
    return { ...(await presentOne(row)), key }
  }

  /** Ends a key at once, without overlap. */
  const revoke = (id: string, input: RevokeKey, operator: Operator): Promise<Key> =>
    update(
      id,
      {
        state: input.compromised === true ? 'compromised' : 'deactivated',
        ...(input.reason !== undefined && { reason: input.reason }),
      },
      operator,
    )

  return { create, createIn, list, get, callerOf, update, rotate, revoke }
}

export type KeysService = ReturnType<typeof createKeysService>
