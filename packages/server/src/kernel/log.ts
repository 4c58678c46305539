import pino from 'pino'

/** Names of the levels, the most talkative first. ERROR means that somebody must act. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

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
  readonly code?: string
  readonly model?: string
  readonly provider?: string
  readonly outcome?: string
  readonly attempts?: number
  readonly duration_ms?: number
  readonly overhead_ms?: number
  readonly count?: number
  readonly component?: string
  readonly pid?: number
  readonly port?: number
  readonly version?: string
  readonly reason?: string
  readonly error?: Error
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

/** Standard output that takes lines in batches. */
const createOutput = () => {
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
    /** Writes everything before it returns. */
    flush: () => {
      clearInterval(timer)
      handOver()
      destination.flushSync()
    },
  }
}

/** The time of a line, made once per millisecond. */
const createTimestamp = () => {
  let last = 0
  let text = ''
  return (): string => {
    const now = Date.now()
    if (now !== last) {
      last = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

/** The log of a process; `flush` writes what is still in memory, before it returns. */
export interface ProcessLog extends Log {
  flush(): void
}

/** The process log on standard output. */
export const createLog = (level: LogLevel): ProcessLog => {
  const output = createOutput()
  const logger = pino(
    {
      level,
      base: null,
      timestamp: createTimestamp(),
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    output,
  )
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    flush: output.flush,
  }
}
