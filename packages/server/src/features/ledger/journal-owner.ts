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

/**
 * Marks the folder as this process's, until `release`. The data folder's lock already keeps processes apart; this keeps
 * a misplaced folder from being written twice. A dead owner's mark is replaced.
 * @throws JournalInUse when the owner lives.
 */
export const ownFolder = (directory: string): { release(): void } => {
  const path = join(directory, 'owner')
  const mine = `${process.pid} ${startOf(process.pid)}`
  for (;;) {
    try {
      writeFileSync(path, mine, { flag: 'wx', mode: 0o600 })
      return { release: () => unlinkSync(path) }
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    }
    const [pid, start] = readFileSync(path, 'utf8').split(' ')
    if (lives(Number(pid)) && startOf(Number(pid)) === start) {
      throw new JournalInUse(`The journal in ${directory} is written by process ${pid}`)
    }
    // Of two that find the same dead owner, one renames it away and the other starts over.
    const aside = `${path}.${process.pid}`
    try {
      renameSync(path, aside)
      unlinkSync(aside)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    }
  }
}
