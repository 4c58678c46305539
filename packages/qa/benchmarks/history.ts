import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

/** One figure of a run. */
export interface Figure {
  readonly figure: string
  readonly value: number
  readonly unit: string
  /** What it may be at most; null without target. */
  readonly most: number | null
  /** What it must be at least, where that is asked. */
  readonly least?: number
}

const file = fileURLToPath(new URL('history.jsonl', import.meta.url))
const git = (...words: string[]): string =>
  execFileSync('git', words, { cwd: fileURLToPath(new URL('.', import.meta.url)) })
    .toString()
    .trim()

/** Appends a run to the history: a line of JSON with the figures, the commit and the machine. */
export const recordRun = (figures: readonly Figure[], at: Date): void => {
  const [cpu] = cpus()
  const run = {
    at: at.toISOString(),
    commit: git('rev-parse', '--short=12', 'HEAD'),
    // Figures of changes that nobody can check out are of little use later.
    changed: git('status', '--porcelain', '--untracked-files=no') !== '',
    node: process.version,
    machine: {
      cpu: cpu?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memory_gib: Math.round(totalmem() / 2 ** 30),
    },
    figures,
  }
  appendFileSync(file, `${JSON.stringify(run)}\n`)
}
