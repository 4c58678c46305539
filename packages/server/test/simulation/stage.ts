import type { Clock, Timer } from '../../src/kernel/clock.ts'
import type { FaultPoints } from '../../src/kernel/fault-points.ts'
import type { Random } from './random.ts'

/** Something that must never be the case, and was. */
export interface Breach {
  readonly rule: string
  readonly what: string
  /** Virtual milliseconds since the beginning. */
  readonly at: number
}

/** Thrown where a process dies: no code of it may go on. */
export class Killed extends Error {
  override readonly name = 'Killed'
}

/**
 * All that happens, in one order that the seed decides. Nothing runs but what was scheduled; after each event every promise
 * that it settled is followed to its end, in its machine's name, before the next event. So a seed is one history.
 */
export interface World {
  readonly random: Random
  /** Virtual milliseconds since the beginning. */
  time(): number
  /** Whose event runs; null for what belongs to no machine: stores, networks, callers. */
  current(): Machine | null
  /** @param owner whose event it is: dropped when that machine is dead, late when it is frozen. */
  schedule(owner: Machine | null, delayMs: number, label: string, action: () => void): Timer
  /** Writes into the history. */
  note(line: string): void
  breach(rule: string, what: string): void
  readonly breaches: readonly Breach[]
  /** Lets things happen until a time. */
  runUntil(time: number): Promise<void>
  /** Digest of the history so far. */
  digest(): string
  readonly events: () => number
}

/** One process of a replica: from its start to its death. */
export interface Machine {
  /** Of the replica, `r1`. */
  readonly name: string
  /** Counts the processes of the replica, from 1. */
  readonly life: number
  readonly clock: Clock
  readonly faultPoints: FaultPoints
  isDead(): boolean
  frozenUntil(): number
  /** Passed before and after all that leaves the process: it may die here. @throws Killed */
  step(): void
  /** `kill -9`, when it has made so many steps more. */
  killAfter(steps: number): void
  kill(): void
  /** Stops and continues the process, as SIGSTOP and SIGCONT do. */
  freeze(milliseconds: number): void
  /** Sets the wall clock forward or back. */
  turnClock(milliseconds: number): void
}

/** The world that the running code is in; the replaced built-in modules look here. */
export const stage: { world: World | null } = { world: null }
