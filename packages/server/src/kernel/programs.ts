import { spawn } from 'node:child_process'
import { access, constants, mkdtemp, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import type { CancelSignal } from './cancellation.ts'

/** What bounds one run of a program. */
export interface RunOptions {
  /** Given on its standard input, which ends after it. */
  readonly input?: string | Buffer
  /** Folder it runs in. */
  readonly cwd?: string
  readonly timeoutMs: number
  /** Most bytes of its standard output. */
  readonly maxOutputBytes: number
  /** What its environment has besides the search path. */
  readonly environment?: Readonly<Record<string, string>>
  /** Ends it at once. */
  readonly signal?: CancelSignal
}

/** A run that ended by itself. */
export interface RunResult {
  /** Exit status; null when a signal ended it. */
  readonly code: number | null
  readonly output: Buffer
  /** The last of what it complained of. */
  readonly complaint: string
}

/** A run that was ended from here, or never began. */
export class ProgramFailed extends Error {
  readonly reason: 'timeout' | 'output' | 'aborted' | 'start'

  constructor(reason: ProgramFailed['reason'], options?: ErrorOptions) {
    super(`The program was ended: ${reason}`, options)
    this.reason = reason
  }
}

const complaintBytes = 2_048

/** A program’s file in the absolute folders of a search path; null where none has it. */
export const findProgram = async (name: string, path: string): Promise<string | null> => {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue
    const file = join(folder, name)
    const found = await access(file, constants.X_OK).then(
      () => stat(file).then((entry) => entry.isFile()),
      () => false,
    )
    if (found) return file
  }
  return null
}

/**
 * The first file, by folder and then by name, that is called so and begins with these bytes; null where none does.
 * @param folders absolute; one that cannot be read has none.
 */
export const findData = async (folders: readonly string[], called: RegExp, begin: Buffer): Promise<string | null> => {
  for (const folder of folders) {
    const names = await readdir(folder).catch(() => [])
    for (const name of names.filter((one) => called.test(one)).sort()) {
      const found = await open(join(folder, name)).catch(() => null)
      if (found === null) continue
      try {
        const { buffer } = await found.read(Buffer.alloc(begin.length), 0, begin.length, 0)
        if (buffer.equals(begin)) return join(folder, name)
      } catch {
        // A folder of that name holds no data.
      } finally {
        await found.close()
      }
    }
  }
  return null
}

/**
 * Runs a program with these arguments, by no shell. Of our environment, which holds secrets, it is given the search path and what is named.
 * @throws ProgramFailed, when it has ended.
 */
export const runProgram = (file: string, words: readonly string[], options: RunOptions): Promise<RunResult> =>
  new Promise((resolve, reject) => {
    const { signal } = options
    if (signal?.aborted) return reject(new ProgramFailed('aborted'))
    const child = spawn(file, words, {
      cwd: options.cwd ?? tmpdir(),
      env: {
        ...{ PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8', HOME: options.cwd ?? tmpdir() },
        ...options.environment,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const chunks: Buffer[] = []
    let bytes = 0
    let complaint = ''
    let failure: ProgramFailed | null = null
    const end = (reason: ProgramFailed['reason'], cause?: Error): void => {
      failure ??= new ProgramFailed(reason, { cause })
      child.kill('SIGKILL')
    }
    const leave = () => end('aborted')
    const limit = setTimeout(() => end('timeout'), options.timeoutMs)
    signal?.addEventListener('abort', leave)
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > options.maxOutputBytes) end('output')
      else chunks.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('utf8')).slice(-complaintBytes)
    })
    child.once('error', (cause) => {
      end('start', cause)
      // One that never began does not end either.
      if (child.pid === undefined) finish(null)
    })
    const finish = (code: number | null): void => {
      clearTimeout(limit)
      signal?.removeEventListener('abort', leave)
      if (failure !== null) reject(failure)
      else resolve({ code, output: Buffer.concat(chunks), complaint })
    }
    child.once('close', finish)
    // A program need not read what it is given.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input)
  })

const scratchPrefix = 'headgate-engine-'
/** No run lasts so long, in milliseconds. */
const forgottenMs = 3_600_000

/** Removes folders of `withScratch` whose process was killed before it could; those of other users stay. */
export const sweepScratch = async (): Promise<void> => {
  const before = Date.now() - forgottenMs
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(scratchPrefix)) continue
    const folder = join(tmpdir(), name)
    const isOld = await stat(folder).then(
      ({ mtimeMs }) => mtimeMs < before,
      () => false,
    )
    if (isOld) await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}

/** A folder of one’s own for files that a program reads or writes. */
export interface Scratch {
  readonly folder: string
  /** Writes a file and tells where it stands. */
  readonly write: (name: string, content: string | Buffer) => Promise<string>
  /** Reads a file of at most so many bytes; null where it is longer or absent. */
  readonly read: (name: string, mostBytes: number) => Promise<Buffer | null>
}

/** Works in a new folder that nobody else may look into (0700) and that is gone afterwards. */
export const withScratch = async <T>(work: (scratch: Scratch) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), scratchPrefix))
  try {
    return await work({
      folder,
      write: async (name, content) => {
        const file = join(folder, name)
        await writeFile(file, content, { mode: 0o600 })
        return file
      },
      read: async (name, mostBytes) => {
        const file = join(folder, name)
        const size = await stat(file).then(
          (entry) => entry.size,
          () => Number.POSITIVE_INFINITY,
        )
        return size > mostBytes ? null : readFile(file)
      },
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
