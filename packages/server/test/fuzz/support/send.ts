import { Agent, request } from 'node:http'
import type { FuzzRequest } from './requests.ts'

/** An answer, whole. */
export interface FuzzAnswer {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly text: string
}

/** Longer than anything here takes; a request that reaches it hangs. */
const PATIENCE_MS = 60_000

/** Sends requests over a few kept connections. */
export const createSender = (url: string) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const { hostname, port } = new URL(url)
  const send = ({ method, target, headers, body }: FuzzRequest): Promise<FuzzAnswer> =>
    new Promise((resolve, reject) => {
      const length: Record<string, string> = body ? { 'content-length': String(body.length) } : {}
      const options = {
        agent,
        hostname,
        port,
        method,
        path: target,
        headers: { ...headers, ...length },
        timeout: PATIENCE_MS,
      }
      const outgoing = request(options, (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: { get: (name) => incoming.headers[name]?.toString() ?? null },
            text: Buffer.concat(chunks).toString(),
          }),
        )
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer came')))
      outgoing.on('error', reject)
      outgoing.end(body ?? undefined)
    })
  return { send, close: () => agent.destroy() }
}
