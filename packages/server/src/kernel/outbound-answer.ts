import { request } from 'undici'

/** One small request to a configured address. */
export interface Question {
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
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
  const { method = 'GET', headers = {}, body = null, timeoutMs } = question
  const answer = await request(url, { method, headers, body, signal: AbortSignal.timeout(timeoutMs) })
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer.body as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MOST_BYTES) throw new Error(`The answer is larger than ${MOST_BYTES} bytes`)
    parts.push(part)
  }
  return { status: answer.statusCode, text: Buffer.concat(parts).toString('utf8') }
}
