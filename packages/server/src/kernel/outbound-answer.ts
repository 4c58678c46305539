import { request } from 'undici'
import { configuredDoor } from './outbound-door.ts'

/** One small request to a configured address. */
export interface Question {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** It is the machine’s own metadata service that is asked, which nothing else reaches. */
  readonly isMachine?: true
  /** Longest wait for the whole answer. */
  readonly timeoutMs: number
}

/** A whole answer, whatever its status. */
export interface Answer {
  readonly status: number
  readonly text: string
}

const MOST_BYTES = 1_048_576

/**
 * Asks and waits for the whole answer, at most a mebibyte of it. Redirects are not followed: what is sent goes to the
 * configured address and nowhere else. @throws Error when none comes in time, or it is too large.
 */
export const ask = async (url: string, question: Question): Promise<Answer> => {
  const { method = 'GET', headers = {}, body = null, isMachine, timeoutMs } = question
  const door = isMachine === true ? {} : { dispatcher: configuredDoor }
  const answer = await request(url, { ...door, method, headers, body, signal: AbortSignal.timeout(timeoutMs) })
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer.body as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MOST_BYTES) throw new Error(`The answer is larger than ${MOST_BYTES} bytes`)
    parts.push(part)
  }
  return { status: answer.statusCode, text: Buffer.concat(parts).toString('utf8') }
}
