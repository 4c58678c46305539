import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Another living process writes this journal. */
export class JournalInUse extends Error {
  override readonly name = 'JournalInUse'
}

/** What tells a process from a later one with the same number: its start, in ticks since boot; '' where unknown. */
const startOf = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The code of a fault of the system. */
export const codeOf = (cause: unknown): string | undefined => (cause as NodeJS.ErrnoException).code

/** Moves a dead owner's mark away; a mark that a quicker process put there meanwhile goes back to its place. */
const removeMark = (path: string, dead: string): void => {
  const aside = `${path}.${process.pid}`
  try {
    renameSync(path, aside)
    if (readFileSync(aside, 'utf8') === dead) unlinkSync(aside)
    else renameSync(aside, path)
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw cause
  }
}

/**
 * Marks the folder as this process's, until `release`. The data folder's lock already keeps processes apart; this keeps
 * a misplaced folder from being written twice, and does without its mark where the disk is full.
 * @throws JournalInUse when the owner lives.
 */
export const ownFolder = (directory: string): { release(): void } => {
  const path = join(directory, 'owner')
  const mine = `${process.pid} ${startOf(process.pid)}`
  for (;;) {
    try {
      writeFileSync(path, mine, { flag: 'wx', mode: 0o600 })
      return { release: () => removeMark(path, mine) }
    } catch (cause) {
      if (codeOf(cause) === 'ENOSPC') return { release: () => {} }
      if (codeOf(cause) !== 'EEXIST') throw cause
    }
    const mark = readFileSync(path, 'utf8')
    const [pid, start] = mark.split(' ')
    if (start !== undefined && lives(Number(pid)) && startOf(Number(pid)) === start) {
      throw new JournalInUse(`The journal in ${directory} is written by process ${pid}`)
    }
    removeMark(path, mark)
  }
}
