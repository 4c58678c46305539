import { type IncomingMessage, type ServerResponse, createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** One request as it passed, and the status of its answer. */
export interface Recorded {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly status: number
}

/** What a recorder passed on, in the order of the answers. */
export interface Recorder {
  readonly url: string
  readonly requests: readonly Recorded[]
  readonly close: () => Promise<void>
}

/** Passes requests on to a server, answers unchanged as they come, and writes down what was asked. */
export const startRecorder = async (target: string): Promise<Recorder> => {
  const requests: Recorded[] = []
  const pass = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/', headers } = incoming
    const body = await buffer(incoming)
    const outgoing = httpRequest(target + url, { method, headers, agent: false }, (answer) => {
      const status = answer.statusCode ?? 502
      requests.push({ method, path: url, body: body.length > 0 ? JSON.parse(body.toString()) : null, status })
      response.writeHead(status, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    outgoing.end(body)
  }
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const withoutNull = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutNull)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      // The official client asks for base64 on its own and decodes it; to the caller there is no difference.
      .filter(([name, member]) => member !== null && !(name === 'encoding_format' && member === 'base64'))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, member]) => [name, withoutNull(member)]),
  )
}

/**
 * What a sample asked for, without what differs from run to run, without repeated tries and without what a browser asks first on
 * its own, as JSON text.
 */
export const outlineOf = (requests: readonly Recorded[]): string => {
  const own = requests.filter(({ method }) => method !== 'OPTIONS')
  const lines = own.map(({ method, path, body }) => {
    const where = path.replace(/(\/keys|\/usage)\/[^/?]+/, '$1/{id}').replace(/\bkey=[^&]+/, 'key={key}')
    const what = body === null ? null : withoutNull(body)
    return JSON.stringify({ method, path: where, body: what }, null, 2).replaceAll(/call_[0-9A-Z]+_/g, 'call_{id}_')
  })
  return `[\n${lines.filter((line, index) => line !== lines[index - 1]).join(',\n')}\n]\n`
}
