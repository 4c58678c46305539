import { freshDatabase } from '../../../../test/support/database.ts'
import { systemClock } from '../../../kernel/clock.ts'
import { type Database, openDatabase } from '../../../kernel/db.ts'
import { AppError } from '../../../kernel/errors.ts'
import type { Feature } from '../../../kernel/feature.ts'
import { silentLog } from '../../../kernel/log.ts'
import type { AuditEntry, BudgetPort, BudgetState } from '../identity.ports.ts'
import { createIdentity, type Identity } from '../identity.ts'

export const pepper = { id: 'test-pepper', value: Buffer.alloc(32, 7) }
export const quiet = { info: () => {}, warn: () => {}, error: () => {} }
export const operator = { actor: 'admin', requestId: 'req_1' }

/** Budgets as their owner would keep them, in a literal. */
const literalBudgets = (): BudgetPort => {
  const kept = new Map<string, BudgetState>()
  return {
    put: async (_transaction, { id, limit, window }) => {
      kept.set(id, { id, limit, window, spent: 0n, reserved: 0n })
    },
    remove: async (_transaction, id) => {
      kept.delete(id)
    },
    state: async (ids) => new Map([...kept].filter(([id]) => ids.includes(id))),
  }
}

/** A real database and as many replicas of identity on it as a test wants. */
export interface Replicas {
  readonly database: Database
  /** What was audited so far. */
  readonly entries: AuditEntry[]
  readonly add: (over?: Partial<Parameters<typeof createIdentity>[0]>) => Promise<Identity & Feature>
  readonly close: () => Promise<void>
}

export const openReplicas = async (): Promise<Replicas> => {
  const home = await freshDatabase()
  const database = openDatabase({ connection: { url: home.url }, log: quiet, poolSize: 6 })
  const opened: (Identity & Feature)[] = []
  const entries: AuditEntry[] = []
  return {
    database,
    entries,
    add: async (over = {}) => {
      const identity = createIdentity({
        database,
        clock: systemClock,
        log: silentLog,
        pepperOf: () => pepper,
        audit: { record: async (_transaction, entry) => void entries.push(entry) },
        budgets: literalBudgets(),
        tiers: () => ['anonymous', 'free', 'pro', 'internal'],
        pollIntervalMs: 200,
        ...over,
      })
      await identity.start?.()
      opened.push(identity)
      return identity
    },
    close: async () => {
      for (const identity of opened) await identity.stop?.()
      await database.close()
      await home.drop()
    },
  }
}

/** The catalogue code an authentication ends with; 'ok' for a caller. */
export const outcome = async (identity: Identity, credential: string | null): Promise<string> => {
  try {
    await identity.authenticate(credential)
    return 'ok'
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

/** The catalogued error that `work` must end with. */
export const failure = async (work: () => unknown): Promise<AppError> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

/** Waits until something holds. @throws when it does not within the time. */
export const until = async (holds: () => Promise<boolean>, milliseconds: number): Promise<void> => {
  const start = performance.now()
  while (!(await holds())) {
    if (performance.now() - start > milliseconds) throw new Error(`not within ${milliseconds} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
