import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { AssetView } from '@headgate/contract/assets.ts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Clock, systemClock } from '../src/kernel/clock.ts'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { until } from './faults/support/load.ts'
import { locateProgram } from './support/debian-binaries.ts'
import { type House, startHouse } from './support/house.ts'
import { freePort, temporaryDirectory } from './support/services.ts'

interface Purge {
  readonly authorization: string | undefined
  readonly surrogateKey: unknown
  readonly tags: readonly string[]
}

let house: House
let nginx: ChildProcess
let hook: Server
let front: string
let key: string
let folder: string
let answer = 200
const purges: Purge[] = []

const cacheFiles = (): string[] =>
  readdirSync(join(folder, 'cache'), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, 'cache', name))
    .filter((name) => statSync(name).isFile())
/** nginx keeps an answer with its headers in one file: whoever takes it away has purged it. */
const purge = (tags: readonly string[]): void => {
  for (const file of cacheFiles()) {
    const kept = /^surrogate-key: (.*)\r$/im.exec(readFileSync(file, 'latin1'))?.[1]?.split(' ') ?? []
    if (tags.some((tag) => kept.includes(tag))) rmSync(file)
  }
}

const startNginx = async (target: string): Promise<ChildProcess> => {
  const { program, environment } = await locateProgram({ programs: ['nginx'], packages: ['nginx', 'nginx-common'] })
  const port = await freePort()
  front = `http://127.0.0.1:${port}`
  mkdirSync(join(folder, 'temporary'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/temporary/${name};`)
    .join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 64; }
http {
  access_log off; ${temporary}
  proxy_cache_path ${folder}/cache levels=1:2 keys_zone=contents:1m use_temp_path=off;
  server {
    listen 127.0.0.1:${port};
    location /content/ {
      proxy_pass http://${target}; proxy_cache contents; proxy_cache_lock on;
      # What a browser may keep is less than what this cache may.
      proxy_ignore_headers Cache-Control; proxy_cache_valid 200 1h;
      add_header x-cache $upstream_cache_status always;
    }
  }
}`,
  )
  const child = spawn(program, ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  })
  await until('nginx answers', async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${readFileSync(join(folder, 'error.log'), 'utf8')}`)
    return (await fetch(front).catch(() => null)) !== null
  })
  return child
}

const ask = (path: string, method: string, body?: string) =>
  fetch(house.url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(path.endsWith('/url') && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
  })
const keep = async (body: string) => (await (await ask('/v1/assets', 'POST', body)).json()) as AssetView
const addressOf = async (id: string): Promise<string> => {
  const { url } = (await (await ask(`/v1/assets/${id}/url`, 'POST', '{"expires_in": 600}')).json()) as { url: string }
  return url.replace(house.url, front)
}
const seen = async (url: string) => {
  const got = await fetch(url)
  return [got.status, got.headers.get('x-cache'), got.status === 200 ? await got.text() : null]
}

beforeAll(async () => {
  folder = await temporaryDirectory('cache')
  hook = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { tags } = JSON.parse(Buffer.concat(chunks).toString()) as { tags: string[] }
      const { authorization } = request.headers
      purges.push({ authorization, surrogateKey: request.headers['surrogate-key'], tags })
      if (answer === 200) purge(tags)
      response.writeHead(answer).end()
    })
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const clock: Clock = {
    ...systemClock,
    every: (ms, callback) => systemClock.every(ms === 60_000 ? 200 : ms, callback),
  }
  house = await startHouse({
    overrides: { clock },
    environment: {
      HEADGATE_ASSETS_VERSIONS: '1',
      HEADGATE_ASSETS_CDN_PURGE_URL: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/purge`,
      HEADGATE_ASSETS_CDN_PURGE_AUTHORIZATION: 'Bearer lantern-of-the-cache',
      HEADGATE_ASSETS_CDN_BROWSER_SECONDS: '5',
    },
  })
  key = (await house.makeKey()).key
  nginx = await startNginx(new URL(house.url).host)
}, 120_000)
afterAll(async () => {
  nginx?.kill('SIGKILL')
  hook.closeAllConnections()
  hook.close()
  await house.stop()
})

it('keeps a content in front of the house until the house says that it is gone', async () => {
  const [gone, stays] = [await keep('to be erased'), await keep('to stay')]
  const [url, other] = [await addressOf(gone.id), await addressOf(stays.id)]
  const first = await fetch(url)
  expect(first.headers.get('cache-control')).toBe('public, max-age=5, immutable')
  expect(first.headers.get('cdn-cache-control')).toMatch(/^public, max-age=(600|59\d)$/)
  expect(first.headers.get('surrogate-key')).toBe(`${gone.id} ${gone.id}-v1`)
  expect(first.headers.get('cache-tag')).toBe(`${gone.id},${gone.id}-v1`)
  expect([first.headers.get('x-cache'), await first.text()]).toEqual(['MISS', 'to be erased'])
  expect(await seen(url)).toEqual([200, 'HIT', 'to be erased'])
  expect(await seen(other)).toEqual([200, 'MISS', 'to stay'])

  answer = 503
  expect((await ask(`/v1/assets/${gone.id}`, 'DELETE')).status).toBe(200)
  await vi.waitFor(() => expect(purges.length).toBeGreaterThan(0), 10_000)
  expect(await seen(url)).toEqual([200, 'HIT', 'to be erased'])
  answer = 200
  await queryDatabase(house.databaseUrl, 'UPDATE headgate.asset_purges SET due_at = now()')
  await vi.waitFor(async () => expect((await seen(url))[0]).toBe(404), { timeout: 10_000, interval: 50 })
  const { authorization, surrogateKey, tags } = purges.at(-1) as Purge
  expect([authorization, surrogateKey, tags]).toEqual(['Bearer lantern-of-the-cache', gone.id, [gone.id]])
  expect(await seen(other)).toEqual([200, 'HIT', 'to stay'])
  const left = () => queryDatabase(house.databaseUrl, 'SELECT tag FROM headgate.asset_purges')
  await vi.waitFor(async () => expect(await left()).toEqual([]), 10_000)

  expect((await ask(`/v1/assets/${stays.id}/content`, 'PUT', 'another')).status).toBe(200)
  await vi.waitFor(() => expect(purges.at(-1)?.tags).toEqual([`${stays.id}-v1`]), 10_000)
  await vi.waitFor(async () => expect((await seen(other))[0]).toBe(404), { timeout: 10_000, interval: 50 })
  expect((await seen(await addressOf(stays.id)))[2]).toBe('another')
}, 60_000)
