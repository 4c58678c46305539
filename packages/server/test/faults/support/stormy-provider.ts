import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A provider that refuses while it storms; each name (`/<name>/v1`) is a provider of its own. */
export interface StormyProvider {
  readonly url: string
  /** What the provider `name` answers from now on; null: it is well. */
  readonly set: (name: string, refusal: Refusal | null) => void
  /** Tries received, by provider and request id. */
  readonly tries: (name: string) => ReadonlyMap<string, number>
  readonly close: () => Promise<void>
}

/** An error answer. */
export interface Refusal {
  readonly status: number
  readonly retryAfter: string | null
}

const completion = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'weather',
  choices: [{ index: 0, message: { role: 'assistant', content: 'fair' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
})

/** Starts it, well. */
export const startStormyProvider = async (): Promise<StormyProvider> => {
  const refusals = new Map<string, Refusal>()
  const counts = new Map<string, Map<string, number>>()
  const server = createServer((request, response) => {
    const name = request.url?.split('/')[1] ?? ''
    request.resume()
    request.on('end', () => {
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"list","data":[]}')
        return
      }
      const tries = counts.get(name) ?? new Map<string, number>()
      counts.set(name, tries)
      const id = String(request.headers['x-request-id'])
      tries.set(id, (tries.get(id) ?? 0) + 1)
      const refusal = refusals.get(name)
      if (refusal === undefined) {
        response.writeHead(200, { 'content-type': 'application/json' }).end(completion)
        return
      }
      response.writeHead(refusal.status, {
        'content-type': 'application/json',
        ...(refusal.retryAfter !== null && { 'retry-after': refusal.retryAfter }),
      })
      response.end('{"error":{"message":"Too many requests","type":"rate_limit","code":null}}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (name, refusal) => {
      if (refusal === null) refusals.delete(name)
      else refusals.set(name, refusal)
    },
    tries: (name) => counts.get(name) ?? new Map(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
