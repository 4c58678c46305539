import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What a crowd is told. */
export interface FloodOrder {
  readonly urls: readonly string[]
  readonly key: string
  readonly model: string
  readonly perSecond: number
  readonly milliseconds: number
  /** Begins the ids of its calls. */
  readonly name: string
}

/** What came of one call of a crowd. */
export interface Splash {
  /** Milliseconds since 1970. */
  readonly sentAt: number
  readonly tookMs: number
  /** 0 when no status line came. */
  readonly status: number
  readonly code: string | null
  /** It was told when to come again. */
  readonly retryAfter: boolean
}

const program = fileURLToPath(new URL('flood.ts', import.meta.url))

/** Lets a crowd call from a process of its own; resolves when every call was answered. */
export const flood = (order: FloodOrder): Promise<readonly Splash[]> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [program, JSON.stringify(order)], { maxBuffer: 1 << 28 }, (fault, stdout) => {
      if (fault) reject(fault)
      else resolve(JSON.parse(stdout) as Splash[])
    })
  })
