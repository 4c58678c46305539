import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callsOf } from './faults/support/calls-of.ts'
import { until } from './faults/support/load.ts'
import { locateProgram } from './support/debian-binaries.ts'
import { type House, startHouse } from './support/house.ts'
import { freePort, temporaryDirectory } from './support/services.ts'

const shipped = new URL('../../../deploy/proxies/nginx.conf', import.meta.url)

let house: House
let nginx: ChildProcess
let url: string
let key: string

/** The shipped configuration, pointed at this house and at a folder of its own. */
const startNginx = async (upstream: string): Promise<ChildProcess> => {
  const { program, environment } = await locateProgram({ programs: ['nginx'], packages: ['nginx', 'nginx-common'] })
  const folder = await temporaryDirectory('nginx')
  await mkdir(join(folder, 'temporary'))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${folder}/temporary/${name};\n`)
    .join('')
  const configuration = readFileSync(shipped, 'utf8')
    .replace('server headgate-1:8787;', `server ${upstream};`)
    .replace(/ *server headgate-2:8787;\n/, '')
    .replace('listen 8080;', `listen 127.0.0.1:${port};`)
    .replace('worker_processes auto;', 'worker_processes 1;')
    .replace('http {\n', `http {\n  access_log off;\n${temporary}`)
  const head = `daemon off;\npid ${folder}/nginx.pid;\nerror_log ${folder}/error.log;\n`
  const account = process.getuid?.() === 0 ? 'user root;\n' : ''
  await writeFile(join(folder, 'nginx.conf'), account + head + configuration)
  const child = spawn(program, ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await until('nginx answers', async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${readFileSync(join(folder, 'error.log'), 'utf8')}`)
    return (await fetch(`${url}/livez`).catch(() => null))?.ok === true
  })
  return child
}

beforeAll(async () => {
  house = await startHouse({
    environment: {
      HEADGATE_TRUSTED_PROXIES: '127.0.0.1',
      HEADGATE_LIMITS_PER_IP_RATE_PER_MINUTE: '1',
      HEADGATE_LIMITS_PER_IP_BURST: '3',
    },
  })
  key = (await house.makeKey()).key
  nginx = await startNginx(new URL(house.url).host)
}, 120_000)
afterAll(async () => {
  const ended = new Promise((resolve) => nginx.once('exit', resolve))
  nginx.kill('SIGTERM')
  await ended
  await house.stop()
})

const call = (model: string, stream: boolean, signal?: AbortSignal) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'x-request-id': 'through-nginx' },
    body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello' }] }),
    ...(signal && { signal }),
  })
const lastCall = () => callsOf(house.upstream).at(-1)

describe('behind nginx, as shipped', () => {
  it('passes each part of a stream on before the next one is made', async () => {
    const answer = await call('up/gpt-4o-mini;parts=4;part-delay=400', true)
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    let text = ''
    let readsWhileOpen = 0
    for await (const part of answer.body as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString()
      if (lastCall()?.outcome === 'open') readsWhileOpen += 1
    }
    expect(readsWhileOpen).toBeGreaterThanOrEqual(2)
    expect(text).toContain('[DONE]')
  })

  it('keeps the headers that callers go by', async () => {
    const { headers, status } = await call('up/gpt-4o-mini', false)
    expect(status).toBe(200)
    expect(headers.get('x-request-id')).toBe('through-nginx')
    for (const name of ['x-ratelimit-limit', 'ratelimit-policy', 'x-headgate-model', 'x-headgate-cost-usd'])
      expect(headers.get(name), name).not.toBeNull()
  })

  it('ends the call of a caller who leaves', async () => {
    const leaving = new AbortController()
    const answer = await call('up/gpt-4o-mini;parts=400;part-delay=50', true, leaving.signal)
    await answer.body?.getReader().read()
    leaving.abort()
    await until('the provider is let go', () => lastCall()?.outcome === 'aborted')
  })

  it('counts strangers by the address that nginx saw, whatever they claim', async () => {
    const statuses: number[] = []
    for (let claim = 1; claim <= 5; claim++) {
      const answer = await fetch(`${url}/v1/models`, { headers: { 'x-forwarded-for': `203.0.113.${claim}` } })
      statuses.push(answer.status)
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429])
  })
})
