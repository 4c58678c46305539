import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Certificate } from './server.ts'

/** Answers while another process serves: alive and started, and not ready for traffic. */
const answer: RequestListener = (request, response) => {
  const path = (request.url ?? '').split('?', 1)[0]
  const isWell = path === '/livez' || path === '/startupz'
  request.resume()
  response.writeHead(isWell ? 200 : 503, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'private, no-store',
    ...(!isWell && { 'retry-after': '1', connection: 'close' }),
  })
  response.end(JSON.stringify(isWell ? { status: 'ok' } : { status: 'standby', parts: {} }))
}

/**
 * Opens the door of a process that waits; null where another has the port, as the one does that is waited for on the same machine.
 * What it gives closes the door and cuts what is open.
 */
export const openStandbyDoor = (host: string, port: number, tls?: Certificate): Promise<(() => Promise<void>) | null> =>
  new Promise((resolve) => {
    const server = tls ? createTlsServer({ cert: tls.cert, key: tls.key }, answer) : createServer(answer)
    server.once('error', () => resolve(null))
    server.listen(port, host, () =>
      resolve(
        () =>
          new Promise((closed) => {
            server.close(() => closed())
            server.closeAllConnections()
          }),
      ),
    )
  })
