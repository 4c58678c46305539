import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const serviceProgram = fileURLToPath(new URL('../../server/test/support/service-process.ts', import.meta.url))
const bucketProgram = fileURLToPath(new URL('../../server/test/support/bucket-process.ts', import.meta.url))

/** A real PostgreSQL or Redis on a port of its own, to be harmed. */
export interface Service {
  readonly url: string
  readonly port: number
  /** kill -9 of all its processes. */
  readonly kill: () => Promise<void>
  /** Starts it again after `kill`, on the same port and data. */
  readonly restart: () => Promise<void>
  /** To all its processes: SIGSTOP freezes it, SIGCONT wakes it. */
  readonly signal: (signal: NodeJS.Signals) => Promise<void>
  /** Runs a statement of PostgreSQL as its administrator. @throws Error with PostgreSQL's words. */
  readonly query: <Row extends object>(sql: string, database?: string) => Promise<Row[]>
  /** Ends it and takes its data away. */
  readonly stop: () => Promise<void>
}

const living = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

interface Helper<Ready> {
  /** What it said when it was ready. */
  readonly ready: Ready
  /** @throws Error with its words. */
  readonly ask: (command: Readonly<Record<string, unknown>>) => Promise<unknown>
  readonly stop: () => Promise<void>
}

/** Starts a program of the tests of the server that speaks JSON lines. */
const startHelper = async <Ready>(program: string, words: readonly string[]): Promise<Helper<Ready>> => {
  const child = spawn(process.execPath, [program, ...words], { stdio: ['pipe', 'pipe', 'inherit'] })
  living.add(child)
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      living.delete(child)
      resolve()
    })
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const read = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${[program, ...words].join(' ')} ended`)
    return JSON.parse(value as string) as Record<string, unknown>
  }
  let turn: Promise<unknown> = Promise.resolve()
  const ask = (command: Readonly<Record<string, unknown>>): Promise<unknown> => {
    const answer = turn.then(async () => {
      child.stdin.write(`${JSON.stringify(command)}\n`)
      const { value, error } = await read()
      if (error !== undefined) throw new Error(error as string)
      return value
    })
    turn = answer.catch(() => undefined)
    return answer
  }
  const ready = (await read()) as Ready
  const stop = async (): Promise<void> => {
    child.stdin.end()
    await ended
  }
  return { ready, ask, stop }
}

/** Starts one; what it needs of the machine is what the tests of the server need. */
export const startService = async (kind: 'redis' | 'postgres'): Promise<Service> => {
  const { ready, ask, stop } = await startHelper<{ url: string; port: number }>(serviceProgram, [kind])
  return {
    url: ready.url,
    port: ready.port,
    kill: async () => void (await ask({ do: 'kill' })),
    restart: async () => void (await ask({ do: 'restart' })),
    signal: async (signal) => void (await ask({ do: 'signal', signal })),
    query: async <Row extends object>(sql: string, database?: string) =>
      (await ask({ do: 'query', sql, ...(database !== undefined && { database }) })) as Row[],
    stop,
  }
}

/** A bucket of a real server that speaks S3. */
export interface Bucket {
  /** `assets.s3` of who keeps assets there. */
  readonly settings: Readonly<Record<string, string>>
  /** Objects on its disk. */
  readonly objects: () => Promise<number>
  readonly stop: () => Promise<void>
}

/** Starts one, empty. */
export const startBucket = async (): Promise<Bucket> => {
  const { ready, ask, stop } = await startHelper<{
    readonly endpoint: string
    readonly bucket: string
    readonly region: string
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  }>(bucketProgram, [])
  const { endpoint, bucket, region, credentials } = ready
  return {
    settings: {
      ...{ endpoint, bucket, region },
      access_key_id: credentials.accessKeyId,
      secret_access_key: credentials.secretAccessKey,
    },
    objects: async () => (await ask({ do: 'objects' })) as number,
    stop,
  }
}

/** Sends Redis one command without arguments that hold blanks, and gives its answer as it came. */
export const askRedis = (port: number, command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8')
    socket.once('error', reject)
    socket.once('close', () => resolve(text))
    socket.on('data', (chunk: string) => (text += chunk))
    socket.write(`${command}\r\nQUIT\r\n`)
  })
