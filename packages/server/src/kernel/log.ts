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

/** The process log on standard output; `flush` writes what is still in memory. */
export const createLog = (level: LogLevel): Log & { flush(): void } => {
  const destination = pino.destination({ sync: false, minLength: 8192 })
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    destination,
  )
  const timer = setInterval(() => destination.flush(), 200)
  timer.unref()
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    flush: () => {
      clearInterval(timer)
      destination.flushSync()
    },
  }
}
