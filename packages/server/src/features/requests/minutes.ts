import { bucketOf } from '../../domain/latency.ts'

/** What requests, or tries at providers, of one kind came to in one minute. */
export interface Tally {
  /** Start of the minute; milliseconds since the epoch. */
  readonly minute: number
  readonly kind: 'request' | 'try'
  readonly route: string
  readonly tier: string
  /** `provider/model`, bounded; '' where no provider was reached. */
  readonly target: string
  /** Catalogue code; '' when all went well. */
  readonly code: string
  count: number
  totalMs: number
  inputTokens: number
  outputTokens: number
  readonly durations: Map<number, number>
  readonly firstBytes: Map<number, number>
}

/** What is counted of one request or try. */
export interface Counted {
  readonly kind: 'request' | 'try'
  readonly route: string
  readonly tier: string
  readonly target: string
  readonly code: string
  readonly durationMs: number
  readonly firstByteMs: number | null
  readonly inputTokens: number
  readonly outputTokens: number
}

const MINUTE_MS = 60_000
/** Groups held in memory while PostgreSQL does not take them: hours of common traffic. */
const MOST_TALLIES = 20_000

const addTo = (buckets: Map<number, number>, milliseconds: number): void => {
  const bucket = bucketOf(milliseconds)
  buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
}

/** Counts by the minute, in memory. All groups are bounded: declared routes, tiers, listed models, catalogued codes. */
export const createMinutes = (onDropped: () => void) => {
  let current = new Map<string, Tally>()
  let minute = 0
  /** Changed since they were last written, the current ones among them. */
  const dirty = new Set<Tally>()

  return {
    add: (now: number, one: Counted): void => {
      const at = now - (now % MINUTE_MS)
      if (at !== minute) {
        minute = at
        current = new Map()
      }
      const key = `${one.kind} ${one.route} ${one.tier} ${one.target} ${one.code}`
      let tally = current.get(key)
      if (tally === undefined) {
        if (dirty.size >= MOST_TALLIES) {
          onDropped()
          return
        }
        const { kind, route, tier, target, code } = one
        const sums = { count: 0, totalMs: 0, inputTokens: 0, outputTokens: 0 }
        tally = { minute, kind, route, tier, target, code, ...sums, durations: new Map(), firstBytes: new Map() }
        current.set(key, tally)
      }
      tally.count++
      tally.totalMs += one.durationMs
      tally.inputTokens += one.inputTokens
      tally.outputTokens += one.outputTokens
      addTo(tally.durations, one.durationMs)
      if (one.firstByteMs !== null) addTo(tally.firstBytes, one.firstByteMs)
      dirty.add(tally)
    },
    /** Takes what has changed, to be written; `giveBack` what could not be. */
    take: (): Tally[] => {
      const taken = [...dirty]
      dirty.clear()
      return taken
    },
    giveBack: (tallies: readonly Tally[]): void => {
      for (const tally of tallies) dirty.add(tally)
    },
  }
}
