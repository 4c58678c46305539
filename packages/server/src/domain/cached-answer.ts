/** What a call says of answers given before. */
export interface CacheWish {
  /** `refresh` fetches anew and keeps what comes; `renew` does so in the background. */
  readonly mode: 'on' | 'refresh' | 'renew'
  readonly maxAgeMs: number
  /** How much older an answer may be that is given while a new one is fetched. */
  readonly staleMs: number
  /** Answers of the project's other keys and people are good too, and they may have this one. */
  readonly isShared: boolean
  /** Requests that name tools may be answered from the cache. */
  readonly withTools: boolean
  /** Fetches anew in the background, as a call of its own. Resolves when that is over, however it ended. */
  readonly renew: () => Promise<void>
}

/** What becomes of an answer that is written down as it flows; told once its end is known. */
export interface Recording {
  readonly keep: () => void
  readonly drop: () => void
}
