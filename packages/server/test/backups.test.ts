import { randomBytes } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkBackups } from '../src/cli/doctor/backup-check.ts'
import { namesIn } from '../src/compose/backup-tools.ts'
import { loadConfig } from '../src/config/config.ts'
import type { Bucket } from '../src/kernel/bucket.ts'
import { systemClock } from '../src/kernel/clock.ts'
import { createBucketShelf } from '../src/kernel/embedded-backup-bucket.ts'
import { type CopyState, createCopier } from '../src/kernel/embedded-backup-copy.ts'
import { checkHead } from '../src/kernel/embedded-backup-check.ts'
import { pruneBackups } from '../src/kernel/embedded-backup-prune.ts'
import { drillBackup, lastPassedDrill } from '../src/kernel/embedded-backup-drill.ts'
import {
  createBackupSigner,
  listBackups,
  placesIn,
  readManifest,
  writeManifest,
} from '../src/kernel/embedded-backup-repository.ts'
import { listFiles } from '../src/kernel/embedded-backup-shelf.ts'
import { verifyBackup } from '../src/kernel/embedded-backup-verify.ts'
import { type BackupScene, createBackupScene, restoreOf } from './support/backup-scene.ts'
import { sabotagesOf } from './support/backup-sabotages.ts'
import { hasSwift, startSwift } from './support/swift.ts'

let scene: BackupScene
let folder: string

beforeAll(async () => {
  scene = await createBackupScene()
  ;({ folder } = scene)
  await scene.boot(join(folder, 'data'))
})
afterAll(() => scene.end())

const boot = (dataDirectory: string) => scene.boot(dataDirectory)
const halt = () => scene.halt()
const backup = (...words: string[]) => scene.backupIn(folder, ...words)
const ask = (...words: Parameters<BackupScene['ask']>) => scene.ask(...words)

/** What the doctor says of backups. */
const doctor = async () => {
  const { config, secrets } = await loadConfig({ cwd: folder, environment: scene.environment })
  return (await checkBackups({ config, secrets }, secrets.root_key.reveal(), Date.now()))[0]
}

const noon = '2026-05-04T12:00:00Z'

const canary = 'quartz-lantern-73'

test('what was backed up is restored to a second, without the people who were erased since', async () => {
  const key = (await ask('/admin/v1/keys', { body: { name: 'app', tier: 'internal' } })).json.key
  const say = (user: string) =>
    ask('/v1/sessions', { key, user, body: { title: `${user} ${canary}` } }).then(({ status }) => status)
  expect([await say('ada'), await say('ben')]).toEqual([201, 201])
  const asset = (await ask('/v1/assets?name=note', { key, user: 'ben', bytes: canary })).json
  const made = await backup('run')
  expect(made).toMatchObject({ code: 0, json: { exact: true, root_key: 'backed up' } })
  expect(made.json.objects).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  await say('cleo')
  await new Promise((resolve) => setTimeout(resolve, 20))
  const before = new Date().toISOString()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await say('dora')
  expect((await ask('/admin/v1/privacy/erasures', { body: { project: 'default', user: 'ada' } })).status).toBe(200)
  const second = await scene.job('/admin/v1/backups')
  expect(second).toMatchObject({ kind: 'run', state: 'done', error: null })
  expect(second.total_bytes).toBeGreaterThan(10_000_000)
  expect((await ask('/admin/v1/backups/20260101T000000Z-0000/verify', { body: {} })).json.error?.code).toBe(
    'backup_not_found',
  )
  expect(await scene.job(`/admin/v1/backups/${second.backup}/verify`)).toMatchObject({ kind: 'verify', state: 'done' })
  const shown = await scene.copied(second.ended_at)
  expect(shown).toMatchObject({
    data: [
      { id: second.backup, state: 'complete', verified: true, objects: 1 },
      { id: made.json.id, state: 'complete', verified: null },
    ],
    copy: { place: join(folder, 'copy'), lag_seconds: 0, files_left: 0, failure: null },
    drill: { passed_at: null, overdue: false },
  })
  expect(shown.recoverable?.to).toSatisfy((to: string) => to > (shown.recoverable?.from ?? to))
  const acts = (await ask('/admin/v1/audit?limit=10')).json.data as { action: string }[]
  expect(acts.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['backup.requested', 'backup.verification_requested']),
  )
  expect(await scene.metrics()).toMatch(/^headgate_backup_age_seconds \d[^]*^headgate_backup_copy_lag_seconds 0$/m)
  expect((await backup('verify')).json.data).toMatchObject([{ decrypted: true }, { decrypted: true }])
  expect(await doctor()).toMatchObject({ state: 'warning', message: 'No restore was ever tried.' })
  expect(await backup('drill')).toMatchObject({
    code: 0,
    json: { passed: true, failure: null, exact: true, differing: [], objects: 1, rto_seconds: expect.any(Number) },
  })
  expect(await doctor()).toMatchObject({ state: 'ok' })
  await halt()

  const into = join(folder, 'restored')
  const restored = await backup(
    ...restoreOf('A wrong deletion, or a bad deploy', {
      [noon]: before,
      '/srv/headgate-before': into,
      'identity.txt': join(folder, 'identity.txt'),
    }),
  )
  expect(restored).toMatchObject({
    code: 0,
    json: { erasures: 1, objects: 1, objects_missing: 0, root_key: 'restored' },
  })
  expect((await backup('restore', '--into', into)).json.error).toMatchObject({ code: 'restore_refused' })
  await boot(into)
  const of = async (user: string) => (await ask('/v1/sessions', { key, user })).json.data.length
  expect([await of('ada'), await of('ben'), await of('cleo'), await of('dora')]).toEqual([0, 1, 1, 0])
  expect((await ask(`/v1/assets/${asset.id}`, { key, user: 'ben' })).json).toEqual(asset)
  expect((await ask('/admin/v1/privacy/erasures')).json.data).toHaveLength(1)
  expect(await readdir(into)).not.toContain('erasures-to-replay.jsonl')
  await halt()

  // The place of the backups and that of the root key are lost; the second ones are not.
  for (const name of ['backups', 'keys']) await rename(join(folder, name), join(folder, `${name}-lost`))
  expect((await backup('verify', '--from', 'copy')).json.data).toMatchObject([{ decrypted: true }, { decrypted: true }])
  const latest = join(folder, 'latest')
  expect(
    await backup(
      ...restoreOf('The folder of backups is lost', {
        '/srv/headgate': latest,
        'identity.txt': join(folder, 'identity.txt'),
      }),
    ),
  ).toMatchObject({
    code: 0,
    json: { root_key: 'restored', objects: 1, head_signed: true },
  })
  for (const name of ['backups', 'keys']) await rename(join(folder, `${name}-lost`), join(folder, name))
  await boot(latest)
  expect([await of('ada'), await of('ben'), await of('cleo'), await of('dora')]).toEqual([0, 1, 1, 1])
  await halt()
}, 400_000)

test('nothing readable lies in the folder of backups', async () => {
  for (const name of await readdir(join(folder, 'backups'), { recursive: true, withFileTypes: true }))
    if (name.isFile()) expect((await readFile(join(name.parentPath, name.name))).includes(canary)).toBe(false)
})

test('every damage is found before anything is claimed', async () => {
  const good = join(folder, 'backups')
  const [first = '', second = ''] = await readdir(join(good, 'base'))
  const bad = join(folder, 'bad')
  const into = join(folder, 'never')
  const rootKey = (await readFile(join(folder, 'data', 'root.key'), 'utf8')).trim()
  const sabotages = sabotagesOf(bad, first, second)
  const identityIn = async (file: string) => [
    /AGE-SECRET-KEY-\S+/.exec(await readFile(join(folder, file), 'utf8'))?.[0] ?? '',
  ]
  for (const [name, { code, act, identity = 'identity.txt' }] of Object.entries(sabotages)) {
    await rm(bad, { recursive: true, force: true })
    await cp(good, bad, { recursive: true })
    await act()
    const options = {
      ...{ directory: bad, keysDirectory: null, identities: await identityIn(identity), rootKey, into, backup: second },
      ...{ objectNames: namesIn, now: Date.now, version: '0', signer: createBackupSigner(rootKey) },
    }
    const { passed, failure, rto_seconds } = await drillBackup(options)
    expect([name, passed, failure?.code, rto_seconds]).toEqual([name, false, code, null])
    expect((await readdir(folder)).filter((entry) => entry.startsWith('never'))).toEqual([])
    // What did not pass, and what somebody else wrote, counts for nothing.
    await rm(join(bad, 'drills', (await readdir(join(bad, 'drills')))[0] as string))
    expect(await lastPassedDrill(bad, [createBackupSigner(rootKey)])).toBeNull()
    expect(await lastPassedDrill(good, [createBackupSigner('the root key of a stranger, long enough')])).toBeNull()
  }
}, 400_000)

test('a backup of before notes were signed still opens, with a word of it', async () => {
  const old = join(folder, 'old')
  await cp(join(folder, 'backups'), old, { recursive: true })
  const rootKey = (await readFile(join(folder, 'data', 'root.key'), 'utf8')).trim()
  const signer = createBackupSigner(rootKey)
  const [id = ''] = await listBackups(old)
  const found = await readManifest(old, id)
  const note = await readFile(placesIn(old).head, 'utf8')
  const look = () => checkHead(old, found, [signer])
  expect((await look())?.signed).not.toBeNull()
  await writeFile(placesIn(old).head, note.replace('"segment\\":\\"0', '"segment\\":\\"1'))
  await expect(look()).rejects.toMatchObject({ code: 'backup_damaged' })
  await rm(placesIn(old).head)
  await expect(look()).rejects.toMatchObject({ code: 'backup_damaged' })
  await writeFile(placesIn(old).head, note)
  const { signed_head: _, text, signature: _signature, ...manifest } = found
  expect(text).toContain('"signed_head":true')
  await writeManifest(placesIn(old).manifest(id), manifest, signer)
  const { head } = JSON.parse(await readFile(placesIn(old).head, 'utf8'))
  await writeFile(placesIn(old).head, head)
  const identities = [/AGE-SECRET-KEY-\S+/.exec(await readFile(join(folder, 'identity.txt'), 'utf8'))?.[0] ?? '']
  expect(await verifyBackup(old, id, identities, [signer])).toMatchObject({ decrypted: true, head_signed: false })
}, 400_000)

test.runIf(hasSwift)(
  'a bucket is a second place: copied to, pruned, verified and restored from',
  async () => {
    const swift = await startSwift()
    try {
      const directory = join(folder, 'backups')
      const bucket: Bucket = { ...swift, name: swift.bucket, prefix: 'far/', isInPath: true }
      const shelf = createBucketShelf(bucket, { clock: systemClock, random: Math.random })
      const told: CopyState[] = []
      const copier = createCopier({ directory, shelf, now: Date.now, onState: (state) => told.push(state) })
      // A file of several pieces.
      const large = randomBytes(20_000_000)
      await writeFile(join(directory, 'drills', 'large.json'), large)
      await swift.pause()
      await expect(copier.copy()).rejects.toMatchObject({ code: 'backup_failed' })
      await swift.goOn()
      const { files } = await copier.copy()
      expect(told[0]?.behind_since).toBeLessThan(Date.now())
      expect(told.at(-1)).toEqual({ behind_since: null, files: 0, bytes: 0 })
      const listed = async () => (await shelf.list()).map(({ path, bytes }) => `${path} ${bytes}`).sort()
      expect(await listed()).toEqual((await listFiles(directory)).map(({ path, bytes }) => `${path} ${bytes}`).sort())
      expect([(await copier.copy()).files, files > 5]).toEqual([0, true])
      await shelf.fetch('drills/large.json', join(folder, 'large'))
      expect((await readFile(join(folder, 'large'))).equals(large)).toBe(true)
      await shelf.remove('drills/large.json')
      expect(await shelf.read('drills/large.json.piece-000002')).toBeNull()
      await rm(join(directory, 'drills', 'large.json'))

      // What is lost here stays there; the ladder alone removes it.
      const [first = '', second = ''] = await listBackups(directory)
      expect(await pruneBackups(shelf, { hourly: 0, daily: 0, weekly: 0 })).toEqual([first])
      const far = join(folder, 'far')
      await mkdir(far)
      const keys = join(folder, 'keys')
      const settings = {
        ...scene.configured,
        directory: join(far, 'none'),
        copy: { s3: { bucket: swift.bucket, endpoint: swift.endpoint, prefix: 'far/' } },
      }
      await writeFile(join(far, 'headgate.yaml'), JSON.stringify({ backups: settings }))
      Object.assign(scene.environment, {
        HEADGATE_BACKUPS_COPY_S3_ACCESS_KEY_ID: swift.credentials.accessKeyId,
        HEADGATE_BACKUPS_COPY_S3_SECRET_ACCESS_KEY: swift.credentials.secretAccessKey,
      })
      const into = join(folder, 'from-afar')
      expect(
        await scene.backupIn(
          far,
          ...restoreOf('The region is lost', {
            '/srv/headgate': into,
            '/mnt/far-keys/headgate': keys,
            'identity.txt': join(folder, 'identity.txt'),
          }),
        ),
      ).toMatchObject({
        code: 0,
        json: { backup: second, objects: 1, root_key: 'restored' },
      })
      expect(await readdir(folder)).not.toContainEqual(expect.stringContaining('fetched'))
    } finally {
      await swift.stop()
    }
  },
  400_000,
)
