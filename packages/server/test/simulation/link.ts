import { CommitOutcomeUnknown, DatabaseUnavailable } from '../../src/kernel/db-errors.ts'
import type { Machine } from './stage.ts'
import type { World } from './stage.ts'

/** How the way to a store, and the store itself, fare. */
export interface LinkState {
  /** Nobody listens. */
  down: boolean
  /** Stopped until then: what is asked meanwhile is done late, or given up. */
  frozenUntil: number
  /** Longest one way, in milliseconds. */
  slowestMs: number
  /** Share of answers that are lost after the work was done, and of questions lost before it. */
  lossy: number
  /** Machines that do not reach it. */
  readonly cutOff: Set<string>
}

/** How long a client waits for a store that does not answer. */
const GIVES_UP_MS = 5_000
/** A message whose sender has given up may still arrive so much later. */
const LATE_MS = 3_000

/** A store as far away as a network is. */
export interface Link {
  readonly state: LinkState
  /**
   * Does `work` at the store, at once and whole, and brings back its answer.
   * @param kind `change`: when the answer is lost, nobody knows whether it was done. @throws as a database does
   */
  ask<T>(machine: Machine, kind: 'read' | 'change', label: string, work: () => T): Promise<T>
  /** Whether what is done now was given up by who asked for it. */
  isLate(): boolean
  heal(): void
}

export const createLink = (world: World, name: string): Link => {
  const { random } = world
  const state: LinkState = { down: false, frozenUntil: 0, slowestMs: 1.5, lossy: 0, cutOff: new Set() }
  const oneWay = () => random.between(0.05, state.slowestMs)
  let late = false
  const isAway = (machine: Machine) => state.down || state.cutOff.has(machine.name)

  return {
    state,
    isLate: () => late,
    heal: () => {
      Object.assign(state, { down: false, frozenUntil: 0, slowestMs: 1.5, lossy: 0 })
      state.cutOff.clear()
    },
    ask: (machine, kind, label, work) => {
      machine.step()
      return new Promise((resolve, reject) => {
        let answered = false
        const answer = (delayMs: number, tell: () => void) => {
          if (answered) return
          answered = true
          world.schedule(machine, delayMs, `${name} answers ${label}`, tell)
        }
        const unavailable = (delayMs: number) =>
          answer(delayMs, () => reject(new DatabaseUnavailable(`${name} is away`)))
        const unknown = (delayMs: number) =>
          answer(delayMs, () =>
            reject(
              kind === 'change'
                ? new CommitOutcomeUnknown(`${name} was lost during COMMIT`)
                : new DatabaseUnavailable(`${name} was lost`),
            ),
          )
        const perform = () => {
          world.note(`${machine.name} ${label}`)
          let value: ReturnType<typeof work>
          late = answered
          try {
            value = work()
          } catch (cause) {
            return answer(oneWay(), () => reject(cause))
          } finally {
            late = false
          }
          if (random.chance(state.lossy)) return unknown(random.between(1, GIVES_UP_MS))
          if (isAway(machine)) return unknown(oneWay())
          answer(oneWay(), () => {
            resolve(value)
          })
        }
        if (isAway(machine)) return unavailable(random.chance(0.8) ? 1 : 2_000)
        world.schedule(null, oneWay(), `${name} hears ${label}`, () => {
          if (isAway(machine)) return unavailable(oneWay())
          if (random.chance(state.lossy / 2)) {
            // Given up, and perhaps done all the same, later than its sender thinks.
            unknown(random.between(1, GIVES_UP_MS))
            if (random.chance(0.3)) world.schedule(null, random.between(1, LATE_MS), `${name} is late`, perform)
            return
          }
          const stopped = state.frozenUntil - world.time()
          if (stopped <= 0) return perform()
          if (stopped < GIVES_UP_MS) return void world.schedule(null, stopped, `${name} wakes`, perform)
          // Most give up on a statement, which is then undone; some on a COMMIT, which is not.
          if (random.chance(0.8)) return unavailable(GIVES_UP_MS)
          unknown(GIVES_UP_MS)
          world.schedule(null, stopped, `${name} wakes`, perform)
        })
      })
    },
  }
}
