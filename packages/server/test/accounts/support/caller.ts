import { Agent, type IncomingMessage, request } from 'node:http'
import type { PlannedCall } from './plan.ts'

/** What the caller saw of one call. */
export interface CallRecord {
  readonly plan: PlannedCall
  /** 0 when no status line came. */
  readonly status: number
  /** The request id that was answered; null when no headers came. */
  readonly requestId: string | null
  /** Content parts in whole lines that arrived: each is one token. */
  readonly receivedTokens: number
  /** `[DONE]`, or the whole body of a 200. */
  readonly ended: boolean
  /** The stream ended with an error event, or the answer was an error. */
  readonly refused: boolean
  readonly shouldRetry: string | null
  readonly errorCode: string | null
  /** The caller left, or the connection broke, before the end. */
  readonly cut: boolean
  /** Nothing more came for so long that the caller gave up: always a fault. */
  readonly hung: boolean
}

/** Far beyond every deadline that the tests configure. */
const HUNG_AFTER_MS = 20_000

const part = /"delta":\{"content":"[^"]/g

const countParts = (text: string): number => text.slice(0, text.lastIndexOf('\n') + 1).match(part)?.length ?? 0

const codeOf = (text: string): string | null => /"code":"([a-z_]+)"/.exec(text)?.[1] ?? null

/** Calls Headgate over real sockets; one agent, so that connections are used again. */
export const createCaller = () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_000 })

  /** Makes one call as planned. Never rejects. */
  const call = (url: string, key: string, plan: PlannedCall): Promise<CallRecord> =>
    new Promise((resolve) => {
      let answer: IncomingMessage | null = null
      let text = ''
      let whole = false
      let settled = false
      let hung = false
      const outgoing = request(`${url}${plan.path}`, {
        method: 'POST',
        agent,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'x-request-id': plan.id,
        },
      })
      const finish = () => {
        if (settled) return
        settled = true
        clearTimeout(leave)
        clearTimeout(patience)
        const status = answer?.statusCode ?? 0
        const isStream = String(answer?.headers['content-type']).startsWith('text/event-stream')
        const ended = status === 200 && (isStream ? /^data: \[DONE\]\r?$/m.test(text) : whole)
        const refused = status >= 400 || (isStream && /^data: \{"error"/m.test(text))
        const header = (name: string) => (answer?.headers[name] as string | undefined) ?? null
        resolve({
          plan,
          status,
          requestId: header('x-request-id'),
          receivedTokens: isStream ? countParts(text) : 0,
          ended,
          refused,
          shouldRetry: header('x-should-retry'),
          errorCode: refused ? codeOf(text) : null,
          cut: !whole,
          hung,
        })
      }
      const abort = () => {
        outgoing.destroy()
        finish()
      }
      const patience = setTimeout(() => {
        hung = true
        abort()
      }, HUNG_AFTER_MS)
      const leave = plan.leaveAfterMs === null ? undefined : setTimeout(abort, plan.leaveAfterMs)
      outgoing.on('response', (response) => {
        answer = response
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
          if (plan.leaveAfterParts !== null && countParts(text) >= plan.leaveAfterParts) abort()
        })
        response.on('end', () => {
          whole = response.complete
        })
        response.on('error', () => {})
        response.on('close', finish)
      })
      outgoing.on('error', finish)
      outgoing.on('close', finish)
      outgoing.end(plan.body)
    })

  return { call, close: () => agent.destroy() }
}

/** Works through a list, so many at a time. */
export const inParallel = async <Item, Result>(
  items: readonly Item[],
  width: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> => {
  const results: Result[] = []
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) {
      results[index] = await work(items[index] as Item, index)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}
