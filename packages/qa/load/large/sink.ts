// A provider that reads whatever it is sent and looks at none of it: what it costs is not Headgate's. `node sink.ts` prints where it listens.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const answer = (bytes: number) =>
  JSON.stringify({
    id: 'chatcmpl-sink',
    object: 'chat.completion',
    created: 1,
    model: 'sink',
    choices: [{ index: 0, message: { role: 'assistant', content: String(bytes) }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  })

const server = createServer((request, response) => {
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  request.on('end', () => response.setHeader('content-type', 'application/json').end(answer(bytes)))
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`sink listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.on('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
})
