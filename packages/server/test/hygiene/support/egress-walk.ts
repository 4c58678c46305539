/* Runs a whole Headgate with nothing configured: start, calls, a stream, an error, the command line, the end. */
import { execFileSync, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url))
const port = 18_787
const url = `http://127.0.0.1:${port}`
const folder = process.argv[2] ?? '.'
const environment = { PATH: process.env['PATH'], HOME: folder }

let output = ''
const child = spawn(process.execPath, [program, 'serve', '--port', String(port)], { cwd: folder, env: environment })
for (const stream of [child.stdout, child.stderr])
  stream.on('data', (bytes: Buffer) => {
    output += bytes.toString()
  })
const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
const end = performance.now() + 120_000
while (!/API key\s+hg_sk_/.test(output)) {
  if (child.exitCode !== null || performance.now() > end) throw new Error(`it did not start: ${output}`)
  await new Promise((resolve) => setTimeout(resolve, 100))
}
const key = /API key\s+(hg_sk_\w+)/.exec(output)?.[1] ?? ''
const ask = async (path: string, body?: object): Promise<string> => {
  const answer = await fetch(url + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  return `${answer.status} ${await answer.text()}`
}
const messages = [{ role: 'user', content: 'Hello' }]
const told = [
  await ask('/v1/chat/completions', { model: 'demo', messages }),
  await ask('/v1/chat/completions', { model: 'demo', messages, stream: true }),
  await ask('/v1/embeddings', { model: 'demo', input: 'Hello' }),
  await ask('/v1/images/generations', { model: 'demo', prompt: 'Hello', size: '16x16' }),
  await ask('/v1/audio/speech', { model: 'demo', input: 'Hello' }),
  await ask('/v1/moderations', { model: 'demo', input: 'Hello' }),
  await ask('/v1/chat/completions', { model: 'none', messages }),
  await ask('/v1/models'),
  await ask('/v1/usage'),
  await ask('/'),
  await ask('/openapi.json'),
  await ask('/readyz'),
]
execFileSync(process.execPath, [program, 'keys', 'list'], { cwd: folder, env: environment })
// Long enough for what runs by the clock: lists of models, a search for Ollama, changes of neighbours.
await new Promise((resolve) => setTimeout(resolve, 5_000))
child.kill('SIGTERM')
process.stdout.write(JSON.stringify({ statuses: told.map((text) => Number(text.slice(0, 3))), ended: await ended }))
