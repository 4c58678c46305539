// The baseline: the least that a proxy can do, with the same HTTP server and the same HTTP client.
import { createServer } from 'node:http'
import { Pool } from 'undici'

const pool = new Pool(process.argv[2] as string, { connections: 256, pipelining: 1 })

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    pool.dispatch(
      {
        method: request.method as 'POST',
        path: request.url as string,
        headers: { 'content-type': 'application/json' },
        body: Buffer.concat(chunks),
      },
      {
        onRequestStart: () => {},
        onResponseStart: (controller, status, headers) => {
          response.on('drain', () => controller.resume())
          response.on('close', () => {
            if (!response.writableFinished) controller.abort(new Error('client left'))
          })
          response.writeHead(status, { 'content-type': headers['content-type'] as string })
        },
        onResponseData: (controller, chunk) => {
          if (!response.write(chunk)) controller.pause()
        },
        onResponseEnd: () => {
          response.end()
        },
        onResponseError: () => {
          response.destroy()
        },
      },
    )
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`listening on ${typeof address === 'object' ? address?.port : ''}\n`)
})
process.once('SIGTERM', () => {
  server.closeAllConnections()
  server.close()
  void pool.destroy()
})
