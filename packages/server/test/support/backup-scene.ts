import type { BackupJob, BackupList } from '@headgate/contract/backups.ts'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { start } from '../../src/main.ts'
import { makeAgeKey } from './age-key.ts'
import { adminKey } from './house.ts'

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** What the answers that are read here bear. */
interface Told {
  readonly id: string
  readonly key: string
  readonly objects: number
  readonly data: readonly object[]
  readonly error?: { readonly code: string }
}

interface Answer {
  readonly code: number
  readonly json: Told
}

const runbook = readFileSync(new URL('../../../../docs/runbooks/disaster-recovery.md', import.meta.url), 'utf8')

/** The commands of the runbook, each by its words behind `headgate`. */
export const runbookCommands = [...runbook.matchAll(/^ *headgate (.+)$/gm)].map(([, words = '']) => words.split(' '))

/** The words of the command of a chapter of the runbook that restores, behind `backup`, with other paths and times. */
export const restoreOf = (chapter: string, others: Readonly<Record<string, string>>): string[] => {
  const [, part = ''] = runbook.split(`## ${chapter}\n`)
  const [, words = ''] = /^headgate backup (restore .+)$/m.exec(part.split('\n## ')[0] ?? '') ?? []
  return words.split(' ').map((word) => others[word] ?? word)
}

/** A folder with keys of age and a configuration of backups, a server that can be begun and ended in it, and the commands of backups. */
export const createBackupScene = async () => {
  let server: Awaited<ReturnType<typeof start>> | null = null
  const folder = await mkdtemp(join(tmpdir(), 'headgate-backups-'))
  const recipient = await makeAgeKey(join(folder, 'identity.txt'))
  await makeAgeKey(join(folder, 'stranger.txt'))
  const environment: Record<string, string> = {
    HEADGATE_PROFILE: 'testing',
    HEADGATE_LOG_LEVEL: 'fatal',
    HEADGATE_PORT: '0',
    HEADGATE_ADMIN_KEY: adminKey,
    HEADGATE_DATA_DIR: join(folder, 'data'),
  }
  const configured = {
    every_hours: 0,
    directory: join(folder, 'backups'),
    recipients: [recipient],
    keys_directory: join(folder, 'keys'),
    copy: { directory: join(folder, 'copy'), keys_directory: join(folder, 'copy-keys') },
    identity_file: join(folder, 'identity.txt'),
  }
  const settings = { backups: configured, retention: { erasure_settle_minutes: 1 } }
  await writeFile(join(folder, 'headgate.yaml'), JSON.stringify(settings))
  const halt = async (): Promise<void> => {
    await server?.stop('test')
    server = null
  }
  const ask = async (path: string, options: { body?: unknown; user?: string; key?: string; bytes?: string } = {}) => {
    const answer = await fetch(`http://127.0.0.1:${server?.port}${path}`, {
      method: options.body !== undefined || options.bytes !== undefined ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${options.key ?? adminKey}`,
        'content-type': options.bytes === undefined ? 'application/json' : 'text/plain',
        ...(options.user !== undefined && { 'x-headgate-user': options.user }),
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      ...(options.bytes !== undefined && { body: options.bytes }),
    })
    return { status: answer.status, json: (await answer.json()) as Told }
  }
  /** Asks for the backups until something holds. */
  const listed = async (holds: (shown: BackupList) => boolean): Promise<BackupList> => {
    for (;;) {
      const { json } = await ask('/admin/v1/backups')
      const shown = json as unknown as BackupList
      if (holds(shown)) return shown
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  return {
    folder,
    environment,
    configured,
    boot: async (dataDirectory: string): Promise<void> => {
      server = await start({ cwd: folder, environment: { ...environment, HEADGATE_DATA_DIR: dataDirectory } })
    },
    halt,
    /** Runs `headgate backup …` as a process of its own. */
    backupIn: (cwd: string, ...words: string[]): Promise<Answer> =>
      new Promise((resolve) => {
        execFile(
          process.execPath,
          [cli, 'backup', ...words, '--json'],
          { cwd, timeout: 200_000, env: { PATH: process.env['PATH'], HOME: folder, ...environment } },
          (error, stdout, stderr) => {
            const text = error ? stderr : stdout
            const json = text.startsWith('{') ? JSON.parse(text) : text
            resolve({ code: error ? Number(error.code ?? -1) : 0, json })
          },
        )
      }),
    ask,
    /** Asks an operator's route for a job, and waits for its end. */
    job: async (path: string) => {
      const { status, json } = await ask(path, { body: {} })
      if (status !== 202) throw new Error(`${path} answered ${status} ${JSON.stringify(json)}`)
      const find = ({ jobs }: BackupList) => jobs.find(({ id, ended_at }) => id === json.id && ended_at !== null)
      return find(await listed((shown) => find(shown) !== undefined)) as BackupJob
    },
    /** What operators see once everything of before `after` was copied. */
    copied: (after: string | null) => listed(({ copy }) => (copy?.copied_at ?? '') > (after ?? '')),
    metrics: async (): Promise<string> =>
      (
        await fetch(`http://127.0.0.1:${server?.port}/metrics`, { headers: { authorization: `Bearer ${adminKey}` } })
      ).text(),
    end: async (): Promise<void> => {
      await halt()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export type BackupScene = Awaited<ReturnType<typeof createBackupScene>>
