import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { BackupList } from '@headgate/contract/backups.ts'
import { backupCommand } from '../src/cli/backup-command.ts'
import { AppError } from '../src/kernel/errors.ts'
import { startHouse } from './support/house.ts'
import { locateFifteen } from './support/postgres-fifteen.ts'
import { freePort, temporaryDirectory } from './support/services.ts'

const template = new URL('../../../deploy/backups/pgbackrest.conf', import.meta.url)
const passphrase = randomBytes(32).toString('base64')

let folder: string
let fifteen: Awaited<ReturnType<typeof locateFifteen>>
let port: number
let url: string

const inFolder = (name: string) => join(folder, name)

const query = async (text: string, at = port) => {
  const client = new pg.Client({ connectionString: `postgres://headgate@127.0.0.1:${at}/postgres` })
  await client.connect()
  try {
    return (await client.query<Record<string, string>>(text)).rows
  } finally {
    await client.end()
  }
}

/** The configuration that is shipped, with paths of this test. */
const configure = async (): Promise<string> => {
  const own: Readonly<Record<string, string>> = {
    'repo1-path': inFolder('repository'),
    'log-path': inFolder('log'),
    'lock-path': inFolder('lock'),
    'pg1-path': inFolder('data'),
    'pg1-port': String(port),
    'pg1-socket-path': folder,
    'pg1-user': 'headgate',
    'compress-level': '1',
  }
  const shipped = await readFile(template, 'utf8')
  const text = shipped.replace(/^([a-z0-9-]+)=.*$/gm, (line, name: string) =>
    own[name] === undefined ? line : `${name}=${own[name]}`,
  )
  await writeFile(
    inFolder('pgbackrest.conf'),
    `${text}\n[global]\ncmd=${fifteen.pgbackrest}\nrepo1-cipher-pass=${passphrase}\n`,
    { mode: 0o600 },
  )
  // What it says of postgresql.conf stands in its comments.
  const [, command = ''] = /^# +archive_command = '(.+)'$/m.exec(shipped) ?? []
  return command
    .replace('pgbackrest', fifteen.pgbackrest)
    .replace(/--config=\S+/, `--config=${inFolder('pgbackrest.conf')}`)
}

const settings = (more: object = {}) => ({
  engine: 'pgbackrest',
  pgbackrest: { stanza: 'headgate', config_file: inFolder('pgbackrest.conf'), program: fifteen.pgbackrest, ...more },
})

/** Runs `headgate backup …`; what it answered, or the code of its error and its words. */
const backup = async (words: readonly string[], more: object = {}) => {
  const config = inFolder('headgate.yaml')
  await writeFile(
    config,
    JSON.stringify({ profile: 'testing', data_dir: inFolder('own'), database_url: url, backups: settings(more) }),
  )
  let text = ''
  const printed = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    await backupCommand().parseAsync([...words, '--json', '--config', config], { from: 'user' })
    return { json: JSON.parse(text) as Record<string, unknown> & { data: Record<string, unknown>[] } }
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause
    return { code: cause.code, message: cause.message }
  } finally {
    printed.mockRestore()
  }
}

beforeAll(async () => {
  folder = await temporaryDirectory('pgbackrest')
  fifteen = await locateFifteen(folder)
  port = await freePort()
  url = `postgres://headgate@127.0.0.1:${port}/postgres`
  for (const name of ['repository', 'log', 'lock']) await mkdir(inFolder(name))
  const archive = await configure()
  await fifteen.make(inFolder('data'), ['archive_mode = on', `archive_command = '${archive}'`, 'jit = off'])
  await fifteen.start(inFolder('data'), port)
}, 120_000)
afterAll(async () => {
  await fifteen.stopAll()
  await rm(folder, { recursive: true, force: true })
})

it('says what is missing before there is a backup', async () => {
  await expect(backup(['list'], { stanza: undefined })).rejects.toThrow('backups.pgbackrest.stanza')
  expect(await backup(['run'], { program: 'pgbackrest-of-nobody' })).toMatchObject({
    code: 'backup_unavailable',
    message: expect.stringContaining('pgbackrest-of-nobody is in no folder of PATH'),
  })
  expect(await backup(['list'], { config_file: inFolder('none.conf') })).toMatchObject({ code: 'backup_failed' })
  expect(await backup(['run'])).toMatchObject({
    code: 'backup_unavailable',
    message: expect.stringContaining('stanza-create'),
  })
  await fifteen.ask(`--config=${inFolder('pgbackrest.conf')}`, '--stanza=headgate', 'stanza-create')
  expect((await backup(['list'])).json).toEqual({ object: 'list', data: [] })
  expect(await backup(['restore', '--into', inFolder('early')])).toMatchObject({ code: 'backup_not_found' })
  expect(await backup(['verify'])).toMatchObject({ code: 'backup_not_found' })
})

it('backs up, and restores to a time beside the server: what was before is there, what came after is not', async () => {
  await query('CREATE TABLE said (word text)')
  const { json: made } = await backup(['run'])
  expect(made).toMatchObject({ type: 'full', timeline: 1, repository: 1, faulty: false })
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  await query("INSERT INTO said VALUES ('before')")
  const [row] = await query(
    'SELECT to_char(clock_timestamp() AT TIME ZONE \'UTC\', \'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\') AS at',
  )
  const time = row?.['at'] ?? ''
  await new Promise((resolve) => setTimeout(resolve, 20))
  await query("INSERT INTO said VALUES ('after')")
  await query('SELECT pg_switch_wal()')
  await vi.waitFor(
    async () => {
      const rows = await query(
        'SELECT last_archived_wal >= pg_walfile_name(pg_switch_wal()) AS done FROM pg_stat_archiver',
      )
      expect(rows).toEqual([{ done: true }])
    },
    { timeout: 20_000, interval: 300 },
  )

  const into = inFolder('restored')
  const restored = (await backup(['restore', '--into', into, '--to', time])).json
  expect(restored).toMatchObject({ folder: into, backup: made?.['id'], to: time })
  const other = await freePort()
  await fifteen.start(into, other)
  await vi.waitFor(
    async () => expect(await query('SELECT pg_is_in_recovery() AS on', other)).toEqual([{ on: false }]),
    { timeout: 20_000, interval: 200 },
  )
  expect(await query('SELECT word FROM said', other)).toEqual([{ word: 'before' }])
  expect(await query('SHOW archive_mode', other)).toEqual([{ archive_mode: 'off' }])

  // Never over something, nor to a time that no backup reaches.
  expect(await backup(['restore', '--into', into])).toMatchObject({ code: 'restore_refused' })
  expect(await backup(['restore', '--into', inFolder('data')])).toMatchObject({ code: 'restore_refused' })
  for (const far of ['2020-01-01T00:00:00Z', '2999-01-01T00:00:00Z'])
    expect(await backup(['restore', '--into', inFolder('far'), '--to', far])).toMatchObject({
      code: 'restore_time_out_of_reach',
    })
  expect(await readdir(folder)).not.toContain('far')
}, 120_000)

it('shows operators what there is, and counts its age', async () => {
  const house = await startHouse({
    databaseUrl: url,
    files: { 'headgate.yaml': JSON.stringify({ backups: settings() }) },
  })
  try {
    const list = (await (await house.request('/admin/v1/backups')).json()) as BackupList
    expect(list.data).toMatchObject([{ state: 'complete', timeline: 1, objects: null }])
    expect(list.recoverable?.from).toBe(list.data[0]?.restores_from)
    expect(list.recoverable?.to).not.toBe(list.recoverable?.from)
    expect(list).toMatchObject({ archive: { waiting: 0 }, copy: null, drill: { overdue: false } })
    for (const path of ['', `/${list.data[0]?.id}/verify`]) {
      const asked = await house.request(`/admin/v1/backups${path}`, { method: 'POST', body: {} })
      expect(await asked.json()).toMatchObject({ error: { code: 'backup_unavailable' } })
    }
    await vi.waitFor(
      async () => {
        const metrics = await (await house.request('/metrics')).text()
        expect(Number(/^headgate_backup_age_seconds(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0)
      },
      { timeout: 10_000, interval: 200 },
    )
  } finally {
    await house.stop()
  }
}, 60_000)

it('finds what is damaged, and does not take it for a backup', async () => {
  const whole = (await backup(['verify'])).json
  expect(whole?.data).toHaveLength(1)
  const label = String(whole?.data[0]?.['backup'])
  const stored = join(inFolder('repository'), 'backup/headgate', label, 'pg_data/base/1')
  const [name = ''] = (await readdir(stored)).filter((one) => one.endsWith('.gz'))
  const bytes = await readFile(join(stored, name))
  const changed = Buffer.from(bytes)
  changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1
  await writeFile(join(stored, name), changed)
  expect(await backup(['verify', label])).toMatchObject({
    code: 'backup_damaged',
    message: expect.stringContaining('checksum invalid: 1'),
  })
  await writeFile(join(stored, name), bytes)

  const conf = await readFile(inFolder('pgbackrest.conf'), 'utf8')
  await writeFile(inFolder('wrong.conf'), conf.replace(passphrase, 'another'), { mode: 0o600 })
  const wrong = await backup(['restore', '--into', inFolder('wrong')], { config_file: inFolder('wrong.conf') })
  expect(wrong, wrong.message).toMatchObject({ code: 'backup_damaged' })
  // Its words quote what did not open; a terminal would obey some of it.
  expect(wrong.message).toMatch(/^[\x20-\x7e]+$/)
  await rename(inFolder('repository'), inFolder('away'))
  expect(await backup(['verify'])).toMatchObject({ code: 'backup_unavailable' })
}, 60_000)
