import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** A process under measurement. */
export interface Process {
  readonly pid: number
  /** Everything it printed so far. */
  readonly output: () => string
  readonly stop: () => Promise<number | null>
}

/** Starts a Node.js script and waits until it prints something that matches. */
export const startProcess = (
  script: string,
  flags: readonly string[],
  ready: RegExp,
  options: { env?: NodeJS.ProcessEnv; nodeFlags?: readonly string[] } = {},
): Promise<Process & { readonly match: RegExpExecArray; readonly readyMs: number }> =>
  new Promise((resolve, reject) => {
    const begun = performance.now()
    const child: ChildProcess = spawn(process.execPath, [...(options.nodeFlags ?? []), script, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    })
    const exited = new Promise<number | null>((done) => child.once('exit', done))
    let output = ''
    let matched = false
    const take = (chunk: Buffer) => {
      if (matched) return
      output += chunk.toString()
      const match = ready.exec(output)
      if (!match) return
      matched = true
      resolve({
        pid: child.pid as number,
        output: () => output,
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
