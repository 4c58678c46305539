/** No connection, or no answer, within the bounded wait: the caller may try again later. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable'
}

/** The connection was lost while COMMIT was under way: the changes may or may not be kept. Ask before repeating. */
export class CommitOutcomeUnknown extends Error {
  override readonly name = 'CommitOutcomeUnknown'
}

/** A statement had failed and its error was swallowed, so that COMMIT undid everything. */
export class TransactionAborted extends Error {
  override readonly name = 'TransactionAborted'
}

/** The database cannot hold Headgate's tenant boundary; the message holds the SQL that an administrator must run. */
export class DatabaseRefused extends Error {
  override readonly name = 'DatabaseRefused'
}

const systemCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND'])
// too_many_connections, admin_shutdown, crash_shutdown, cannot_connect_now, and class 08: connection exceptions.
const serverCodes = new Set(['53300', '57P01', '57P02', '57P03'])

/** The five-character SQLSTATE of a server error, or a system error's code. */
export const errorCode = (cause: unknown): string => {
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : ''
}

/** True for an error that says "no connection", false for one that says "this statement failed". */
export const isConnectionFault = (cause: unknown): boolean => {
  if (cause instanceof DatabaseUnavailable) return true
  const code = errorCode(cause)
  if (code !== '') return systemCodes.has(code) || serverCodes.has(code) || code.startsWith('08')
  const message = cause instanceof Error ? cause.message : ''
  return /Connection terminated|timeout exceeded|Query read timeout|not queryable|Cannot use a pool/i.test(message)
}
