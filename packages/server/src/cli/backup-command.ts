import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import packageDescription from '../../package.json' with { type: 'json' }
import { loadConfig } from '../config/config.ts'
import { AppError } from '../kernel/errors.ts'
import { systemClock } from '../kernel/clock.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { type Flags, withStore } from './open-store.ts'
import { say, writeJson, writeRecord, writeTable } from './output.ts'

type Given = Record<string, unknown>

const refuse = (location: string, message: string, fix: string) =>
  new AppError('invalid_parameter', { detail: `${location} ${message}. ${fix}`, details: [{ location, message, fix }] })

/** The identities in a file of age: a line each, with comments. @throws AppError `backup_key_wrong` */
const readIdentities = async (path: string | undefined): Promise<string[]> => {
  if (path === undefined) return []
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new AppError('backup_key_wrong', { cause, detail: `${path} cannot be read.` })
  })
  const identities = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  if (identities.length === 0 || identities.some((line) => !line.startsWith('AGE-SECRET-KEY-')))
    throw new AppError('backup_key_wrong', { detail: `${path} holds no identity of age (AGE-SECRET-KEY-…).` })
  return identities
}

const textOf = (given: Given, name: string): string | undefined =>
  typeof given[name] === 'string' ? (given[name] as string) : undefined

/** What reads backups needs: the folder, and what opens it. */
const readersOf = async (flags: Flags, given: Given) => {
  const { config, secrets } = await loadConfig({ flags })
  const directory = textOf(given, 'from') ?? config.backups.directory
  if (directory === undefined)
    throw new AppError('backup_unavailable', { detail: 'backups.directory is not set; name the folder with --from.' })
  return {
    directory,
    rootKey: secrets.root_key.reveal(),
    keysDirectory: textOf(given, 'keys') ?? config.backups.keys_directory ?? null,
    identities: await readIdentities(textOf(given, 'identity') ?? config.backups.identity_file),
  }
}

const addRun = (backup: Command): void => {
  addCommonOptions(backup.command('run'), 'store')
    .description('make a base backup now, beside a running server or without one')
    .action(async (given: Given) => {
      const output = outputOf(given)
      // Loaded here, so that other commands start without it.
      const { backupOptions, createBackupTools } = await import('../compose/backup-tools.ts')
      const made = await withStore(storeFlagsOf(given), async (store) =>
        (await createBackupTools(backupOptions(store), { ...store, clock: systemClock })).run(),
      )
      const { id, finished_at, pack, evidence, objects, root_key } = made
      const rows = Object.values(evidence.tables).reduce((sum, { rows: count }) => sum + Number(count), 0)
      writeRecord(
        output,
        {
          id,
          finished_at,
          bytes: pack.bytes,
          stored_bytes: pack.stored_bytes,
          files: pack.files.length,
          rows,
          exact: evidence.exact,
          objects: objects?.count ?? null,
          root_key,
        },
        [
          ['id', id],
          ['finished', finished_at],
          ['bytes', pack.bytes],
          ['stored', pack.stored_bytes],
          ['rows', rows],
          ['contents', objects?.count ?? 'in a bucket'],
          ['root key', root_key],
        ],
      )
      if (root_key === 'not backed up')
        say(output, 'The root key is in no backup: set backups.keys_directory, or keep root.key safe yourself.')
    })
}

const addList = (backup: Command): void => {
  addCommonOptions(backup.command('list'), 'store')
    .description('list the backups that there are, the oldest first')
    .option('--from <folder>', 'folder of backups; the configured one unless given')
    .action(async (given: Given) => {
      const { listBackups, readManifest } = await import('../kernel/embedded-backup-repository.ts')
      const { directory } = await readersOf(storeFlagsOf(given), { from: given['from'] })
      const data = []
      for (const id of await listBackups(directory)) {
        const { finished_at, evidence, timeline, pack, objects } = await readManifest(directory, id)
        data.push({
          id,
          finished_at,
          from: evidence.at,
          timeline,
          bytes: pack.bytes,
          stored_bytes: pack.stored_bytes,
          objects: objects?.count ?? null,
        })
      }
      writeTable(
        outputOf(given),
        { object: 'list', data },
        ['backup', 'restores from', 'timeline', 'bytes', 'stored', 'contents'],
        data.map((one) => [one.id, one.from, one.timeline, one.bytes, one.stored_bytes, one.objects]),
      )
    })
}

const addReading = (command: Command): Command =>
  command
    .option('--from <folder>', 'folder of backups; the configured one unless given')
    .option('--keys <folder>', 'folder of backups of the root key; the configured one unless given')
    .option('--identity <file>', 'file with an identity of age that opens them')

const addVerify = (backup: Command): void => {
  addReading(addCommonOptions(backup.command('verify').argument('[id]'), 'store'))
    .description('read backups whole and prove that they are what was written; all unless one is named')
    .action(async (id: string | undefined, given: Given) => {
      const { createBackupSigner, listBackups } = await import('../kernel/embedded-backup-repository.ts')
      const { readRootKeys } = await import('../kernel/embedded-backup-keys.ts')
      const { verifyBackup } = await import('../kernel/embedded-backup-verify.ts')
      const { directory, rootKey, keysDirectory, identities } = await readersOf(storeFlagsOf(given), given)
      const keys =
        keysDirectory === null || identities.length === 0 ? [] : await readRootKeys(keysDirectory, identities)
      const signers = [rootKey, ...keys].map(createBackupSigner)
      const ids = id === undefined ? await listBackups(directory) : [id]
      if (ids.length === 0) throw new AppError('backup_not_found', { detail: `There is no backup in ${directory}.` })
      const output = outputOf(given)
      const data = []
      for (const one of ids) data.push(await verifyBackup(directory, one, identities, signers))
      if (output.json) writeJson({ object: 'list', data })
      for (const one of data)
        say(
          output,
          one.decrypted
            ? `${one.backup}: ${one.files} files, ${one.segments} segments and ${one.objects} contents are whole.`
            : `${one.backup}: lies there as it was written. What it holds was not read: give --identity.`,
        )
    })
}

const targetOf = (to: string): 'latest' | { readonly time: Date } => {
  if (to === 'latest') return to
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(to) || Number.isNaN(Date.parse(to)))
    throw refuse('--to', 'is no time', 'Give `latest`, or a time with its zone, like 2026-05-04T12:00:00Z.')
  return { time: new Date(to) }
}

const addRestore = (backup: Command): void => {
  addReading(addCommonOptions(backup.command('restore'), 'store'))
    .description(
      'restore a data folder, to the newest state or to a second; checks everything before it claims anything',
    )
    .requiredOption('--into <folder>', 'the data folder to make; empty, or not there')
    .option('--to <time>', '`latest`, or a time with its zone', 'latest')
    .option('--backup <id>', 'begin with this base backup')
    .action(async (given: Given) => {
      const to = targetOf(String(given['to']))
      const { restoreBackup } = await import('../kernel/embedded-restore.ts')
      const { namesIn } = await import('../compose/backup-tools.ts')
      const readers = await readersOf(storeFlagsOf(given), given)
      const backupId = textOf(given, 'backup')
      const restored = await restoreBackup({
        ...readers,
        ...{ into: String(given['into']), to, objectNames: namesIn },
        ...(backupId !== undefined && { backup: backupId }),
      })
      const {
        backup: id,
        folder,
        last_change_at,
        files,
        segments,
        objects,
        objects_missing,
        root_key,
        erasures,
      } = restored
      writeRecord(outputOf(given), restored, [
        ['folder', folder],
        ['backup', id],
        ['last change', last_change_at],
        ['files', files],
        ['segments', segments],
        ['contents', objects],
        ['contents missing', objects_missing],
        ['root key', root_key],
        ['erasures to replay', erasures],
      ])
    })
}

const addDrill = (backup: Command): void => {
  addReading(addCommonOptions(backup.command('drill'), 'store'))
    .description('restore the newest backup beside, compare it with what was backed up, and write a signed report')
    .option('--scratch <folder>', 'where it is restored, and removed again; a folder of the system unless given')
    .option('--backup <id>', 'this base backup')
    .action(async (given: Given) => {
      const { drillBackup } = await import('../kernel/embedded-backup-drill.ts')
      const { createBackupSigner } = await import('../kernel/embedded-backup-repository.ts')
      const { namesIn } = await import('../compose/backup-tools.ts')
      const readers = await readersOf(storeFlagsOf(given), given)
      const scratch = textOf(given, 'scratch') ?? join(tmpdir(), `headgate-drill-${process.pid}`)
      const backupId = textOf(given, 'backup')
      const report = await drillBackup({
        ...readers,
        ...{ into: scratch, objectNames: namesIn, now: Date.now, version: packageDescription.version },
        ...(backupId !== undefined && { backup: backupId }),
        signer: createBackupSigner(readers.rootKey),
      })
      writeRecord(outputOf(given), report, [
        ['passed', report.passed ? 'yes' : 'NO'],
        ['why not', report.failure === null ? null : `${report.failure.code}: ${report.failure.message}`],
        ['backup', report.backup],
        ['recovery time (s)', report.rto_seconds],
        ['newest change archived (s ago)', report.rpo_seconds],
        ['tables', report.tables],
        ['rows', report.rows],
        ['compared', report.exact ? 'yes' : 'no'],
        ['contents', report.objects],
      ])
      if (!report.passed) process.exitCode = exitCode.failed
    })
}

/** `headgate backup run | list | verify | restore | drill`: the embedded store, and getting it back. */
export const backupCommand = (): Command => {
  const backup = new Command('backup').description('backups of the embedded store, and getting it back')
  addRun(backup)
  addList(backup)
  addVerify(backup)
  addRestore(backup)
  addDrill(backup)
  return backup
}
