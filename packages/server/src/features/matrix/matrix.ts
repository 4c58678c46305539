import type { Caller } from '../../domain/caller.ts'
import type { Operation } from '../../domain/inference.ts'
import type { Target } from '../../domain/model.ts'
import type { ModelSpeed, SourcedFacts } from '../../domain/model-facts.ts'
import type { Price } from '../../domain/price.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { matrixRoutes } from './matrix.routes.ts'
import type { Described } from './presentation.ts'

/** A model with what only its listing tells. */
export interface ListedTarget {
  readonly target: Target
  /** Seconds since the epoch; null when unknown. */
  readonly created: number | null
}

/** What the matrix asks of its neighbours. */
export interface MatrixPorts {
  /** All that a caller may use, by name. */
  readonly list: (caller: Caller) => Promise<readonly ListedTarget[]>
  /** One of them, by full or bare name. @throws AppError `model_not_found`, `model_not_allowed` or `licence_not_allowed`. */
  readonly find: (caller: Caller, model: string) => Promise<ListedTarget>
  /** Every model, whoever asks. */
  readonly all: () => readonly Target[]
  readonly factsOf: (target: Target) => SourcedFacts
  /** What an operation costs at a target at a time; null when nobody knows. */
  readonly priceOf: (target: Target, at: number, operation: Operation) => Price | null
  /** How fast targets have answered since a time, by `provider/model`. May reject. */
  readonly speeds: (from: number) => Promise<ReadonlyMap<string, ModelSpeed>>
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly log: Log
}

/** Speeds are measured over so long. */
const MEASURED_MS = 7 * 86_400_000
/** So long what was measured is not asked for again. */
const FRESH_MS = 60_000

interface Measured {
  readonly from: number
  readonly speeds: ReadonlyMap<string, ModelSpeed>
}

/** Shows what models can, may and cost, and how fast they were: one source for lists, tables and the reference. */
export const createMatrix = (ports: MatrixPorts): Feature => {
  const { clock, log } = ports
  let last: Measured = { from: clock.now() - MEASURED_MS, speeds: new Map() }
  let dueAt = Number.NEGATIVE_INFINITY
  let reading: Promise<Measured> | null = null

  const read = async (): Promise<Measured> => {
    const from = clock.now() - MEASURED_MS
    try {
      last = { from, speeds: await ports.speeds(from) }
    } catch (error) {
      // The list of models stands without what was measured.
      log.debug({ component: 'routing', error }, 'Speeds of models wait for PostgreSQL')
    }
    dueAt = clock.monotonic() + FRESH_MS
    reading = null
    return last
  }
  const measured = (): Measured | Promise<Measured> => (clock.monotonic() < dueAt ? last : (reading ??= read()))

  const describe = (target: Target, { from, speeds }: Measured): Described => {
    const operation = target.operations.includes('chat') ? 'chat' : target.operations[0]
    return {
      target,
      known: ports.factsOf(target),
      price: operation === undefined ? null : ports.priceOf(target, clock.now(), operation),
      speed: speeds.get(target.name) ?? null,
      measuredFrom: from,
    }
  }
  const described = async ({ target, created }: ListedTarget) => ({ ...describe(target, await measured()), created })

  return {
    name: 'matrix',
    routes: matrixRoutes({
      list: async (caller) => {
        const [models, speeds] = await Promise.all([ports.list(caller), measured()])
        return models.map(({ target, created }) => ({ ...describe(target, speeds), created }))
      },
      find: async (caller, model) => described(await ports.find(caller, model)),
      page: async (after, limit) => {
        const names = ports
          .all()
          .filter(({ name }) => after === null || name > after)
          .sort((one, other) => (one.name < other.name ? -1 : 1))
        const speeds = await measured()
        return {
          models: names.slice(0, limit).map((target) => describe(target, speeds)),
          hasMore: names.length > limit,
        }
      },
    }),
  }
}
