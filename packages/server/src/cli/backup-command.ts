import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import packageDescription from '../../package.json' with { type: 'json' }
import { AppError } from '../kernel/errors.ts'
import { systemClock } from '../kernel/clock.ts'
import { byEngine } from './backup-engines.ts'
import { type Given, textOf, withReaders } from './backup-readers.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { withStore } from './open-store.ts'
import { say, writeJson, writeRecord, writeTable } from './output.ts'

const refuse = (location: string, message: string, fix: string) =>
  new AppError('invalid_parameter', { detail: `${location} ${message}. ${fix}`, details: [{ location, message, fix }] })

const addRun = (backup: Command): void => {
  addCommonOptions(backup.command('run'), 'store')
    .description('make a base backup now, beside a running server or without one')
    .addOption(
      new Option('--type <type>', 'with pgBackRest: which; by backups.pgbackrest.full_every_days unless given').choices(
        [...['full', 'diff', 'incr']],
      ),
    )
    .option('--repository <number>', 'with pgBackRest: which of its repositories; the first unless given')
    .action(async (given: Given) => {
      if (await byEngine('run', given)) return
      const output = outputOf(given)
      // Loaded here, so that other commands start without it.
      const { backupOptions, createBackupTools } = await import('../compose/backup-tools.ts')
      const { copied, ...made } = await withStore(storeFlagsOf(given), async (store) => {
        const tools = await createBackupTools(backupOptions(store), { ...store, clock: systemClock })
        const backup = await tools.run()
        // The backup stands; that its copy is late is told, and made good by the server.
        return { ...backup, copied: await tools.copy().catch((cause: Error) => cause) }
      })
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
      if (copied instanceof Error) say(output, `It is not copied yet: ${copied.message}`)
      if (root_key === 'not backed up')
        say(output, 'The root key is in no backup: set backups.keys_directory, or keep root.key safe yourself.')
    })
}

const addList = (backup: Command): void => {
  addCommonOptions(backup.command('list'), 'store')
    .description('list the backups that there are, the oldest first')
    .option('--from <folder>', 'folder of backups, or `copy`; the configured one unless given')
    .action(async (given: Given) => {
      if (await byEngine('list', given)) return
      const { listBackups, readManifest } = await import('../kernel/embedded-backup-repository.ts')
      const none = { wanted: async () => [], beside: tmpdir() }
      const data = await withReaders(storeFlagsOf(given), { from: given['from'] }, none, async ({ directory }) => {
        const found = []
        for (const id of await listBackups(directory)) {
          const { finished_at, evidence, timeline, pack, objects } = await readManifest(directory, id)
          found.push({
            id,
            finished_at,
            from: evidence.at,
            timeline,
            bytes: pack.bytes,
            stored_bytes: pack.stored_bytes,
            objects: objects?.count ?? null,
          })
        }
        return found
      })
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
    .option('--from <folder>', 'folder of backups, or `copy` for the second place; the configured one unless given')
    .option('--keys <folder>', 'folder of backups of the root key; the configured one unless given')
    .option('--identity <file>', 'file with an identity of age that opens them')

const unsigned =
  'The note of the newest segment of the WAL is of a Headgate that did not sign it: whether segments were cut off its end cannot be told. Make a new backup.'

const addVerify = (backup: Command): void => {
  addReading(addCommonOptions(backup.command('verify').argument('[id]'), 'store'))
    .description('read backups whole and prove that they are what was written; all unless one is named')
    .action(async (id: string | undefined, given: Given) => {
      if (await byEngine('verify', { ...given, id })) return
      const { createBackupSigner, listBackups } = await import('../kernel/embedded-backup-repository.ts')
      const { readRootKeys } = await import('../kernel/embedded-backup-keys.ts')
      const { verifyBackup } = await import('../kernel/embedded-backup-verify.ts')
      const { namedBackups } = await import('../kernel/embedded-backup-fetch.ts')
      const output = outputOf(given)
      const fetching = { wanted: namedBackups(id), beside: tmpdir() }
      const data = await withReaders(storeFlagsOf(given), given, fetching, async (readers) => {
        const { directory, rootKey, keysDirectory, identities } = readers
        const keys =
          keysDirectory === null || identities.length === 0 ? [] : await readRootKeys(keysDirectory, identities)
        const signers = [rootKey, ...keys].map(createBackupSigner)
        const ids = id === undefined ? await listBackups(directory) : [id]
        if (ids.length === 0) throw new AppError('backup_not_found', { detail: `There is no backup in ${directory}.` })
        const found = []
        for (const one of ids) found.push(await verifyBackup(directory, one, identities, signers))
        return found
      })
      if (output.json) writeJson({ object: 'list', data })
      for (const one of data)
        say(
          output,
          one.decrypted
            ? `${one.backup}: ${one.files} files, ${one.segments} segments and ${one.objects} contents are whole.`
            : `${one.backup}: lies there as it was written. What it holds was not read: give --identity.`,
        )
      if (data.some(({ head_signed }) => head_signed === false)) say(output, unsigned)
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
    .requiredOption('--into <folder>', 'the data folder to make (of PostgreSQL, with pgBackRest); empty, or not there')
    .option('--to <time>', '`latest`, or a time with its zone', 'latest')
    .option('--backup <id>', 'begin with this base backup')
    .action(async (given: Given) => {
      const to = targetOf(String(given['to']))
      if (await byEngine('restore', given, to === 'latest' ? null : to.time)) return
      const { chooseBackup, restoreBackup } = await import('../kernel/embedded-restore.ts')
      const { namesIn } = await import('../compose/backup-tools.ts')
      const backupId = textOf(given, 'backup')
      const into = resolve(String(given['into']))
      const which = { to, ...(backupId !== undefined && { backup: backupId }) }
      const fetching = {
        wanted: async (directory: string) => [await chooseBackup({ directory, ...which })],
        beside: dirname(into),
      }
      const restored = await withReaders(storeFlagsOf(given), given, fetching, (readers) =>
        restoreBackup({ ...readers, ...which, into, objectNames: namesIn }),
      )
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
      if (!restored.head_signed) say(outputOf(given), unsigned)
    })
}

const addDrill = (backup: Command): void => {
  addReading(addCommonOptions(backup.command('drill'), 'store'))
    .description('restore the newest backup beside, compare it with what was backed up, and write a signed report')
    .option('--scratch <folder>', 'where it is restored, and removed again; a folder of the system unless given')
    .option('--backup <id>', 'this base backup')
    .action(async (given: Given) => {
      if (await byEngine('drill', given)) return
      const { drillBackup } = await import('../kernel/embedded-backup-drill.ts')
      const { chooseBackup } = await import('../kernel/embedded-restore.ts')
      const { createBackupSigner } = await import('../kernel/embedded-backup-repository.ts')
      const { namesIn } = await import('../compose/backup-tools.ts')
      const scratch = resolve(textOf(given, 'scratch') ?? join(tmpdir(), `headgate-drill-${process.pid}`))
      const backupId = textOf(given, 'backup')
      const named = backupId !== undefined && { backup: backupId }
      const fetching = {
        wanted: async (directory: string) => [await chooseBackup({ directory, to: 'evidence', ...named })],
        beside: dirname(scratch),
      }
      const report = await withReaders(storeFlagsOf(given), given, fetching, (readers) =>
        drillBackup({
          ...readers,
          ...{ into: scratch, objectNames: namesIn, now: Date.now, version: packageDescription.version },
          ...named,
          signer: createBackupSigner(readers.rootKey),
        }),
      )
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

/** `headgate backup run | list | verify | restore | drill`: the embedded store, or an external one by pgBackRest, and getting it back. */
export const backupCommand = (): Command => {
  const backup = new Command('backup').description('backups of the database, and getting it back')
  addRun(backup)
  addList(backup)
  addVerify(backup)
  addRestore(backup)
  addDrill(backup)
  return backup
}
