import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'

/** What one look found. A `fault` keeps Headgate from starting or serving; a `warning` will hurt some day. */
export interface Finding {
  /** Stable name of what was looked at, such as `database.version`. */
  readonly check: string
  readonly state: 'ok' | 'warning' | 'fault' | 'skipped'
  readonly message: string
  readonly fix?: string
  /** The error that callers see for it; its page says more. */
  readonly code?: ErrorCode
  /** A page of the documentation, below `/docs/`. */
  readonly page?: string
}

/** Words of whatever was thrown, on one line; the driver's code where it says more than the words. */
export const reasonOf = (thrown: unknown): string => {
  const inner = thrown instanceof AggregateError ? (thrown.errors[0] as unknown) : thrown
  if (!(inner instanceof Error)) return String(inner)
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : ''
  const text = inner.message.split('\n', 1)[0] ?? ''
  return text === '' || text.includes(code) ? text || code : `${text} (${code})`
}
