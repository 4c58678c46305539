import type { DoorAnswer, DoorItem } from '../kernel/counters.door.ts'
import type { Feature } from '../kernel/feature.ts'

/** The processes that serve together on one port, as one of them sees them. */
export interface Crew {
  /** Of this process, from 1. */
  readonly number: number
  /** How many there are to be. */
  readonly size: number
  /** How many take calls now. */
  readonly ready: () => number
  /** Has a batch counted where all of them count; absent where this process counts for itself. */
  readonly count?: (items: readonly DoorItem[]) => Promise<DoorAnswer>
  /** The metrics of all of them, this process's own among them. */
  readonly exposeMetrics: (own: () => Promise<string>) => Promise<string>
  /** Told that an operator's change of the configuration is in effect here: the others follow. */
  readonly reloaded: (actor: string) => void
}

/** A process that serves alone. */
export const alone: Crew = {
  number: 1,
  size: 1,
  ready: () => 1,
  exposeMetrics: (own) => own(),
  reloaded: () => {},
}

/** The part of a whole number that one of the crew has: the parts come to the whole, unless each must have one. */
export const partOf = (whole: number, { number, size }: Pick<Crew, 'number' | 'size'>): number =>
  whole === 0 ? 0 : Math.max(1, Math.floor(whole / size) + (number <= whole % size ? 1 : 0))

/** What every metric of this process bears. */
export const labelsOf = ({ number, size }: Crew): Readonly<Record<string, string>> =>
  size > 1 ? { worker: String(number) } : {}

/** What `/readyz` tells of the crew; nothing where a process serves alone. */
export const crewFeatures = (crew: Crew): readonly Feature[] =>
  crew.size === 1
    ? []
    : [
        {
          name: 'workers',
          health: () =>
            crew.ready() < crew.size
              ? { state: 'degraded', detail: `${crew.ready()} of ${crew.size} workers take calls` }
              : { state: 'ok' },
        },
      ]
