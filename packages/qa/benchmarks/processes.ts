import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** A process under measurement. */
export interface Process {
  readonly pid: number
  /** The end of what it printed so far. */
  readonly output: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  /** Resolves to its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** SIGTERM; resolves to its exit code. */
  readonly stop: () => Promise<number | null>
}

const OUTPUT_CHARACTERS = 200_000

const living = new Set<ChildProcess>()
// A run that ends before its time takes along what it started.
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** Starts a Node.js script and waits until it prints something that matches. */
export const startProcess = (
  script: string,
  flags: readonly string[],
  ready: RegExp,
  options: { env?: NodeJS.ProcessEnv; nodeFlags?: readonly string[]; cwd?: string } = {},
): Promise<Process & { readonly match: RegExpExecArray; readonly readyMs: number }> =>
  new Promise((resolve, reject) => {
    const begun = performance.now()
    const child: ChildProcess = spawn(process.execPath, [...(options.nodeFlags ?? []), script, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
    })
    living.add(child)
    const exited = new Promise<number | null>((done) => {
      child.once('exit', (code) => {
        living.delete(child)
        done(code)
      })
    })
    let output = ''
    let matched = false
    const take = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS)
      if (matched) return
      const match = ready.exec(output)
      if (!match) return
      matched = true
      resolve({
        pid: child.pid as number,
        output: () => output,
        kill: (signal) => void child.kill(signal),
        exited,
        stop: () => {
          child.kill('SIGTERM')
          return exited
        },
        match,
        readyMs: performance.now() - begun,
      })
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    void exited.then((code) => {
      if (!matched) reject(new Error(`${script} ended with ${code} before it was ready:\n${output}`))
    })
  })

/** CPU time of a process so far, all its threads, in milliseconds: from /proc/<pid>/task/<tid>/schedstat, in nanoseconds. */
export const cpuMs = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const spent = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]
    return sum + Number(spent) / 1e6
  }, 0)

const sumKiB = (pid: number, field: string): number => {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
}

/** Resident memory of a process, in KiB. */
export const residentKiB = (pid: number): number => sumKiB(pid, 'Rss')

/** The processes below a process, itself not among them. */
export const descendants = (pid: number): number[] => {
  const parents = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const parent = Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1])
      parents.set(parent, [...(parents.get(parent) ?? []), Number(name)])
    } catch {
      // The process ended while it was looked at.
    }
  }
  const below = (parent: number): number[] => (parents.get(parent) ?? []).flatMap((child) => [child, ...below(child)])
  return below(pid)
}

/** Memory of several processes with shared pages counted once (proportional set size), in KiB. */
export const proportionalKiB = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + sumKiB(pid, 'Pss'), 0)
