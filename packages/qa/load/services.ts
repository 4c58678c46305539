import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../server/test/support/service-process.ts', import.meta.url))

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

/** Starts one; what it needs of the machine is what the tests of the server need. */
export const startService = async (kind: 'redis' | 'postgres'): Promise<Service> => {
  const child = spawn(process.execPath, [program, kind], { stdio: ['pipe', 'pipe', 'inherit'] })
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
    if (done) throw new Error(`the ${kind} of the drill ended`)
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
  const { url, port } = (await read()) as { url: string; port: number }
  return {
    url,
    port,
    kill: async () => void (await ask({ do: 'kill' })),
    restart: async () => void (await ask({ do: 'restart' })),
    signal: async (signal) => void (await ask({ do: 'signal', signal })),
    query: async <Row extends object>(sql: string, database?: string) =>
      (await ask({ do: 'query', sql, ...(database !== undefined && { database }) })) as Row[],
    stop: async () => {
      child.stdin.end()
      await ended
    },
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
