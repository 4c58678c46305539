import type { LogComponent, LogLevel } from '@headgate/contract/log-levels.ts'
import pino from 'pino'
import { isPlainJson } from './json.ts'

/** What a log line may carry: an allow-list, so that no prompt, key or personal datum can slip in. */
export interface LogFields {
  readonly request_id?: string
  readonly id?: string
  readonly project?: string
  readonly key_id?: string
  readonly tier?: string
  readonly route?: string
  readonly method?: string
  readonly status?: number
  /** The route will go. */
  readonly deprecated?: boolean
  /** Of the catalogue, or what a child process ended with. */
  readonly code?: string | number | null
  readonly signal?: string | null
  readonly model?: string
  readonly provider?: string
  readonly outcome?: string
  readonly attempt?: number
  readonly attempts?: number
  readonly duration_ms?: number
  readonly overhead_ms?: number
  readonly first_byte_ms?: number
  readonly upstream_ms?: number
  readonly queue_ms?: number
  /** Milliseconds by stage. */
  readonly stages?: Readonly<Record<string, number>>
  readonly count?: number
  readonly component?: LogComponent
  readonly pid?: number | undefined
  readonly port?: number
  /** Number of a worker process, from 1. */
  readonly worker?: number
  readonly version?: string
  readonly reason?: string
  /** Folder of the embedded PostgreSQL, what was made of it, and the account of the system that owns it. */
  readonly directory?: string
  readonly made?: string
  readonly account?: string
  readonly migration?: string
  readonly error?: unknown
}

/** The same list at run time, for what got past the types. */
const allowList: Readonly<Record<keyof LogFields, true>> = {
  request_id: true,
  id: true,
  project: true,
  key_id: true,
  tier: true,
  route: true,
  method: true,
  status: true,
  deprecated: true,
  code: true,
  signal: true,
  model: true,
  provider: true,
  outcome: true,
  attempt: true,
  attempts: true,
  duration_ms: true,
  overhead_ms: true,
  first_byte_ms: true,
  upstream_ms: true,
  queue_ms: true,
  stages: true,
  count: true,
  component: true,
  pid: true,
  port: true,
  worker: true,
  version: true,
  reason: true,
  directory: true,
  made: true,
  account: true,
  migration: true,
  error: true,
}
const allowed: ReadonlySet<string> = new Set(Object.keys(allowList))

const onlyAllowed = (fields: LogFields): LogFields => {
  for (const name in fields) {
    if (!allowed.has(name)) return Object.fromEntries(Object.entries(fields).filter(([key]) => allowed.has(key)))
  }
  return fields
}

const MOST_CAUSES = 5

/**
 * An error as it is logged: nothing of its own properties but the code, because PostgreSQL, for one, tells whole rows in
 * `detail` and `where`. The stack goes on with the stacks of its causes.
 */
const presentError = (error: unknown, hide: (text: string) => string): object => {
  if (!(error instanceof Error)) return { type: typeof error }
  const stacks: string[] = []
  let code: unknown
  let one: unknown = error
  for (let depth = 0; one instanceof Error && depth < MOST_CAUSES; depth++) {
    stacks.push(one.stack ?? `${one.name}: ${one.message}`)
    code ??= (one as { code?: unknown }).code
    one = one.cause
  }
  return {
    type: error.constructor.name,
    message: hide(error.message),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    stack: hide(stacks.join('\ncaused by: ')),
  }
}

/** Writes one JSON line per event. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** A log that drops everything, for tests of single parts. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Text gathered before it goes to the operating system; handing over line by line costs more than making the lines. */
const GATHERED_CHARACTERS = 16_384
const FLUSH_EVERY_MS = 200

/** Where the lines of a log go. */
export interface LineOutput {
  write(line: string): void
  /** Hands over what is gathered, before it returns. */
  flush(): void
}

/** Standard output that takes lines in batches. */
export const createOutput = (): LineOutput => {
  // The stream also takes bytes, which its published types do not say.
  const destination = pino.destination({ sync: false, minLength: 0, contentMode: 'buffer' } as { sync: false })
  let lines: string[] = []
  let gathered = 0
  const handOver = () => {
    if (gathered === 0) return
    destination.write(Buffer.from(lines.join('')) as unknown as string)
    lines = []
    gathered = 0
  }
  const timer = setInterval(handOver, FLUSH_EVERY_MS)
  timer.unref()
  return {
    write: (line: string) => {
      lines.push(line)
      gathered += line.length
      if (gathered >= GATHERED_CHARACTERS) handOver()
    },
    flush: () => {
      clearInterval(timer)
      handOver()
      destination.flushSync()
    },
  }
}

/** The time of a line, and of which worker it is; made once per millisecond. */
const createTimestamp = (worker: number | null) => {
  const suffix = worker === null ? '"' : `","worker":${worker}`
  let last = 0
  let text = ''
  return (): string => {
    const now = Date.now()
    if (now !== last) {
      last = now
      text = `,"time":"${new Date(now).toISOString()}${suffix}`
    }
    return text
  }
}

/** What JSON leaves as it is and a terminal obeys: DEL, the C1 controls, separators of lines, marks of direction. */
const obeyed = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g
const visible = (json: string): string =>
  json.replace(obeyed, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
const quote = (text: string): string => (isPlainJson(text) ? `"${text}"` : visible(JSON.stringify(text)))

/** The line of a request, put together by hand: it is written for every one, and a serializer costs five times as much. */
const requestLine = (timestamp: string, fields: LogFields, message: string): string => {
  let line = `{"level":"info"${timestamp}`
  for (const name in fields) {
    const value = fields[name as keyof LogFields]
    if (value !== undefined) line += `,"${name}":${typeof value === 'string' ? quote(value) : JSON.stringify(value)}`
  }
  return `${line},"message":${quote(message)}}\n`
}

/** Levels of single components; all others have the level of the log. */
export type ComponentLevels = Readonly<Partial<Record<LogComponent, LogLevel>>>

/** The log of a process. ERROR means that somebody must act. */
export interface ProcessLog extends Log {
  /** Writes lines of this level and above from now on, where a component has no level of its own. */
  setLevel(level: LogLevel): void
  level(): LogLevel
  /** Writes what is still in memory, before it returns. */
  flush(): void
  /** Sets the levels of single components, in place of those set before. */
  setLevels(levels: ComponentLevels): void
  /** Hands every line that is written to one more reader. */
  onLine(reader: (line: string) => void): void
}

const { debug, info, warn, error } = pino.levels.values as Record<'debug' | 'info' | 'warn' | 'error', number>
const severityOf = (level: LogLevel): number => pino.levels.values[level] ?? Number.POSITIVE_INFINITY

/** Whose line it is: of a request where it names none and bears a request's id. */
const componentOf = ({ component, request_id }: LogFields): LogComponent =>
  component ?? (request_id === undefined ? 'house' : 'http')

/**
 * The process log, on standard output unless `output` says otherwise; `hide` takes secrets out of what errors say. `worker`:
 * number of the process, where several write one log.
 */
export const createLog = (
  level: LogLevel,
  output: LineOutput = createOutput(),
  hide: (text: string) => string = (text) => text,
  worker: number | null = null,
): ProcessLog => {
  const timestamp = createTimestamp(worker)
  let current = level
  let base = severityOf(level)
  let own: ReadonlyMap<LogComponent, number> = new Map()
  let reader: ((line: string) => void) | null = null
  const write = (line: string): void => {
    output.write(line)
    if (reader !== null) reader(line)
  }
  const isOn = (severity: number, fields: LogFields): boolean =>
    severity >= (own.size === 0 ? base : (own.get(componentOf(fields)) ?? base))
  const logger = pino(
    {
      // Which lines are written is decided before they get here.
      level: 'trace',
      base: null,
      timestamp,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: (error: unknown) => presentError(error, hide) },
    },
    { write: (line) => write(visible(line)) },
  )
  return {
    debug: (fields, message) => {
      if (isOn(debug, fields)) logger.debug(onlyAllowed(fields), message)
    },
    info: (fields, message) => {
      if (!isOn(info, fields)) return
      if (fields.request_id === undefined || fields.error !== undefined) logger.info(onlyAllowed(fields), message)
      // Made in one place, from known fields: it is not looked through.
      else write(requestLine(timestamp(), fields, message))
    },
    warn: (fields, message) => {
      if (isOn(warn, fields)) logger.warn(onlyAllowed(fields), message)
    },
    error: (fields, message) => {
      if (isOn(error, fields)) logger.error(onlyAllowed(fields), message)
    },
    setLevel: (wanted) => {
      current = wanted
      base = severityOf(wanted)
    },
    level: () => current,
    flush: output.flush,
    setLevels: (levels) => {
      own = new Map(Object.entries(levels).map(([name, one]) => [name as LogComponent, severityOf(one)]))
    },
    onLine: (next) => {
      reader = next
    },
  }
}
