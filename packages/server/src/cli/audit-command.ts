import { createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { AccessReview } from '@headgate/contract/audit.ts'
import { Command } from 'commander'
import type { FoundCheckpoint } from '../features/audit/verify.ts'
import { AppError } from '../kernel/errors.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { withTransparency } from './audit-store.ts'
import { operator } from './operator.ts'
import { type Output, say, writeJson, writeRecord, writeTable } from './output.ts'
import { collectPages } from './pages.ts'

type Given = Record<string, unknown>

const list = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : [])
const refuse = (location: string, message: string, fix: string) =>
  new AppError('invalid_parameter', { detail: `${location} ${message}. ${fix}`, details: [{ location, message, fix }] })
const number = (given: Given, name: string): bigint | undefined => {
  const text = given[name]
  if (text === undefined) return undefined
  if (typeof text !== 'string' || !/^[1-9]\d{0,17}$/.test(text))
    throw refuse(`--${name}`, 'is no whole number', 'Give it like 42.')
  return BigInt(text)
}

/** The notes in a file: JSON Lines with a `note` each, as Headgate writes them, or one bare note. */
const readCheckpoints = async (path: string): Promise<FoundCheckpoint[]> => {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw refuse('--checkpoints', `cannot be read (${cause.message})`, 'Give a file that Headgate has copied out.')
  })
  if (!text.startsWith('{')) return [{ source: path, note: text }]
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      let note: unknown
      try {
        note = (JSON.parse(line) as { note?: unknown }).note
      } catch {
        note = undefined
      }
      return { source: `${path}:${index + 1}`, note: typeof note === 'string' ? note : '' }
    })
}

const addVerify = (audit: Command): void => {
  addCommonOptions(audit.command('verify'), 'store')
    .description('check every entry, and compare them with checkpoints; fails when something does not fit')
    .option('--checkpoints <file...>', 'checkpoints that were copied out; the configured file is always looked at')
    .action(async (given: Given) => {
      const output = outputOf(given)
      const named = list(given['checkpoints'])
      const report = await withTransparency(storeFlagsOf(given), async ({ transparency, file }) => {
        const own = await readCheckpoints(file).catch(() => [])
        const more = await Promise.all(named.map(readCheckpoints))
        return transparency.verify([...own, ...more.flat()])
      })
      if (output.json) writeJson(report)
      else for (const finding of report.findings) say(output, finding)
      const { entries, checkpoints, unsigned } = report
      if (!report.ok) process.exitCode = exitCode.failed
      else
        say(
          output,
          `${entries} entries are whole; ${checkpoints} checkpoints hold; ${unsigned} entries are not signed yet.`,
        )
    })
}

const addProofs = (audit: Command): void => {
  addCommonOptions(audit.command('prove').argument('<seq>', 'number of the entry'), 'store')
    .description('prove that an entry is in the audit: a tlog-proof on standard output')
    .option('--size <entries>', 'under the checkpoint of this size; the first that covers it unless given')
    .action(async (seq: string, given: Given) => {
      const entry = number({ seq }, 'seq') as bigint
      const size = number(given, 'size')
      const proof = await withTransparency(storeFlagsOf(given), ({ transparency }) => transparency.prove(entry, size))
      if (outputOf(given).json) writeJson({ proof })
      else process.stdout.write(proof)
    })
  addCommonOptions(audit.command('consistency').argument('<from>').argument('<to>'), 'store')
    .description('prove that one checkpoint is the beginning of another, by their sizes')
    .action(async (from: string, to: string, given: Given) => {
      const sizes = [number({ from }, 'from') as bigint, number({ to }, 'to') as bigint] as const
      const proven = await withTransparency(storeFlagsOf(given), ({ transparency }) =>
        transparency.consistency(...sizes),
      )
      writeRecord(outputOf(given), proven, [
        ['from', proven.from.size],
        ['to', proven.to.size],
        ...proven.proof.map((hash) => ['hash', hash] as const),
      ])
    })
}

const addExport = (audit: Command): void => {
  addCommonOptions(audit.command('export').argument('<folder>'), 'store')
    .description('write entries, checkpoints and public keys into a folder, for the offline verifier')
    .action(async (folder: string, given: Given) => {
      const written = await withTransparency(storeFlagsOf(given), async ({ transparency }) => {
        await mkdir(folder, { recursive: true })
        const entries = await transparency.export(operator)
        await pipeline(entries, createWriteStream(join(folder, 'audit.jsonl'), { mode: 0o600 }))
        await transparency.checkpoint()
        const checkpoints = (await collectPages(transparency.checkpoints)).reverse()
        const lines = checkpoints.map(
          (one) => `${JSON.stringify({ size: Number(one.size), at: one.created_at, note: one.note })}\n`,
        )
        await writeFile(join(folder, 'checkpoints.jsonl'), lines.join(''))
        const keys = await transparency.keys()
        await writeFile(join(folder, 'keys.txt'), keys.map(({ key }) => `${key}\n`).join(''))
        return { folder, entries: checkpoints.at(-1)?.size ?? '0', checkpoints: checkpoints.length, keys: keys.length }
      })
      writeRecord(outputOf(given), written, Object.entries(written))
    })
}

const addKeys = (audit: Command): void => {
  addCommonOptions(audit.command('key'), 'store')
    .description('show the public keys under which checkpoints are signed, the newest first')
    .action(async (given: Given) => {
      const data = await withTransparency(storeFlagsOf(given), ({ transparency }) => transparency.keys())
      const rows = data.map(({ version, key, created_at }) => [version, key, created_at])
      writeTable(outputOf(given), { object: 'list', data }, ['version', 'key', 'created'], rows)
    })
  addCommonOptions(audit.command('rotate-key'), 'store')
    .description('make a new key that signs from now on; former ones stay valid for what they have signed')
    .action(async (given: Given) => {
      const made = await withTransparency(storeFlagsOf(given), ({ transparency }) => transparency.rotateKey(operator))
      writeRecord(outputOf(given), made, [
        ['version', made.version],
        ['key', made.key],
      ])
    })
  addCommonOptions(audit.command('checkpoint'), 'store')
    .description('sign the audit as it stands now, and copy that out')
    .action(async (given: Given) => {
      const made = await withTransparency(storeFlagsOf(given), ({ transparency }) => transparency.checkpoint())
      writeRecord(outputOf(given), made, [
        ['size', made?.size],
        ['root', made?.root],
        ['created_at', made?.created_at],
      ])
    })
}

const showReview = (output: Output, review: AccessReview): void => {
  if (output.json) return writeJson(review)
  const { operators, keys, findings } = review
  writeTable(
    output,
    null,
    ['operator', 'name', 'role', 'state', 'sessions', 'last session', 'actions'],
    operators.map((one) => [
      one.id,
      one.name,
      one.role,
      one.state,
      one.open_sessions,
      one.last_session_at,
      one.actions,
    ]),
  )
  writeTable(
    output,
    null,
    ['key', 'name', 'project', 'kind', 'state', 'expires', 'last used'],
    keys.map((one) => [one.id, one.name, one.project, one.kind, one.state, one.expires_at, one.last_used_at]),
  )
  writeTable(
    output,
    null,
    ['to look at', 'subject', 'why'],
    findings.map(({ kind, subject, message }) => [kind, subject, message]),
  )
}

const addReview = (audit: Command): void => {
  addCommonOptions(audit.command('review'), 'store')
    .description('show who may do what, what they did, and what should be looked at')
    .option('--days <days>', 'days whose actions are counted; 90 unless given')
    .action(async (given: Given) => {
      const days = Number(number(given, 'days') ?? 90n)
      const review = await withTransparency(storeFlagsOf(given), ({ review: make }) => make(days))
      showReview(outputOf(given), review)
    })
}

/** `headgate audit verify | prove | consistency | export | review | key | rotate-key | checkpoint`. */
export const auditCommand = (): Command => {
  const audit = new Command('audit').description('the record of what operators did, and what proves it')
  addVerify(audit)
  addProofs(audit)
  addExport(audit)
  addReview(audit)
  addKeys(audit)
  return audit
}
