import type { Scale } from '../drill.ts'
import type { Seen } from '../caller.ts'
import type { House, Settings } from '../house.ts'
import { type Pace, pause, startPace, wallNow } from '../pace.ts'
import type { Admitted } from '../windows.ts'
import { settledEntries } from '../books.ts'

/** Calls that a window admits, and the rate at which the bucket fills over the same time. */
export const LIMIT = 60
/** What the bucket holds. */
export const BURST = 12
/** So many windows make a run. */
const WINDOWS = 6
/** Demand, in limits. */
const TIMES = 5

/** Whole seconds, since windows are told in seconds. */
export const windowSecondsOf = ({ seconds }: Scale): number => Math.max(1, Math.round(seconds / WINDOWS))

/** A tier of each kind, and one that is never refused, to compare counts. */
export const limitSettings = (scale: Scale): Settings => {
  const window_seconds = windowSecondsOf(scale)
  const free = { rate_per_minute: 1_000_000, burst: 1_000_000 }
  return {
    tiers: {
      windowed: { requests: free },
      wide: { requests: free },
      bucketed: { requests: { rate_per_minute: (LIMIT * 60) / window_seconds, burst: BURST } },
    },
    limits: {
      policies: {
        window: {
          unit: 'requests',
          limit: LIMIT,
          window_seconds,
          algorithm: 'sliding_window',
          per: ['key'],
          match: { tiers: ['windowed'] },
        },
        wide: {
          unit: 'requests',
          limit: 1_000_000,
          window_seconds: 3_600,
          algorithm: 'sliding_window',
          per: ['key'],
          match: { tiers: ['wide'] },
        },
      },
    },
  }
}

/** Calls of a key, spread over the replicas; `name` begins their ids. */
export const callsOf = (house: House, key: string, name: string) => (number: number) =>
  house.caller.call({ replica: number % house.replicas, key, model: 'up/gpt-4o-mini', id: `${name}-${number}` })

/** Begins the demand of a key: five times its limit. With `edges`, two of the five come in bursts just before and after the edges of windows. */
export const startDemand = (house: House, key: string, name: string, scale: Scale, edges: boolean): Pace<Seen> => {
  const perSecond = LIMIT / windowSecondsOf(scale)
  return startPace((edges ? TIMES - 2 : TIMES) * perSecond, callsOf(house, key, name))
}

/** Sends bursts 50 ms before and after each edge, as often as there are windows; edges lie where the wall clock divides evenly. */
export const burstAtEdges = async (loads: readonly Pace<Seen>[], windowMs: number, until: number): Promise<void> => {
  for (let edge = Math.ceil((wallNow() + 60) / windowMs) * windowMs; edge + 50 < until; edge += windowMs) {
    for (const at of [edge - 50, edge + 50]) {
      await pause(at - wallNow())
      for (const load of loads) load.burst(LIMIT)
    }
  }
  await pause(until - wallNow())
}

/** When each whole answer was decided: after its caller sent it, before the upstream had it. */
export const admittedOf = async (house: House, seen: readonly Seen[]): Promise<Admitted[]> => {
  const idOf = new Map((await settledEntries(house)).map((entry) => [entry.client_request_id, entry.request_id]))
  const arrival = new Map((await house.truth()).map((row) => [row.request_id, row.received_at]))
  return seen
    .filter(({ status }) => status === 200)
    .map(({ id, sentAt, endedAt }) => ({ from: sentAt, to: arrival.get(idOf.get(id) ?? '') ?? endedAt }))
}
