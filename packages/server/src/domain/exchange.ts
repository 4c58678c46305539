import type { CacheWish } from './cached-answer.ts'
import type { Caller } from './caller.ts'
import type { Tags } from './route.ts'
import type { Walk } from './walk.ts'

/** One HTTP request on its walk through the house: what every stage may know of it. */
export interface Exchange {
  /** `req_…`, minted here: key of the ledger row, and the request id that the provider sees. */
  readonly id: string
  /** What the caller sees as `x-request-id`: their own when well-formed, else `id`. Never used as a key. */
  readonly requestId: string
  readonly caller: Caller
  /** Client address behind the trusted proxies. */
  readonly address: string
  /** When the request began; monotonic milliseconds. */
  readonly startedAt: number
  /** The end user: proven, or named by a secret key; null when unnamed. */
  readonly user: string | null
  /** Whose browser asks that nothing more is done with their data than needs to be (`Sec-GPC: 1`, Global Privacy Control). */
  readonly optsOut?: true
  readonly tags: Tags
  /** Headers of the answer, whatever it becomes; stages add to it. */
  readonly headers: Record<string, string>
  /** What the caller asked of the safety checks in `x-headgate-safe`, as it was written. */
  readonly safe?: string
  /** Of a call that goes on with the answer of another: the end of what was shown of it. */
  readonly continues?: string
  /** What a call makes is kept as assets of who asked for it. */
  readonly store?: true
  /** Of a call that may be answered by an answer given before. */
  readonly cache?: CacheWish
  /** Stamps of the stages. */
  readonly walk: Walk
}
