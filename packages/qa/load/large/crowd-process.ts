import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What the senders of large bodies are told. */
export interface LargeOrder {
  readonly url: string
  readonly key: string
  readonly model: string
  /** Length of each body, in base64 of a picture. */
  readonly bytes: number
  /** Who send at once. */
  readonly callers: number
  /** In which protocols, in turn. */
  readonly protocols: readonly ('chat' | 'responses' | 'messages')[]
}

/** What came of one of them. */
export interface LargeCall {
  /** Of the last answer; 0 when none came. */
  readonly status: number
  readonly tookMs: number
  /** Answers before, after each of which it came again. */
  readonly refusals: readonly { readonly status: number; readonly hasRetryAfter: boolean }[]
  /** Sent. */
  readonly bytes: number
  /** Beginning of the last answer. */
  readonly told: string
}

const program = fileURLToPath(new URL('crowd.ts', import.meta.url))

/** Lets them call from a process of their own; resolves when every one was answered. */
export const sendLarge = (order: LargeOrder): Promise<readonly LargeCall[]> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [program, JSON.stringify(order)], { maxBuffer: 1 << 26 }, (fault, stdout) => {
      if (fault) reject(fault)
      else resolve(JSON.parse(stdout) as LargeCall[])
    })
  })
