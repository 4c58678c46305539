import type { BudgetInput } from '@headgate/contract/keys.ts'
import { type NanoUsd, parseUsd } from '../../domain/money.ts'
import { AppError } from '../../kernel/errors.ts'
import type { BudgetWindow } from './identity.ports.ts'
import { normaliseOrigin } from './origins.ts'

/** A 400 about one member of the body. */
export const refuse = (location: string, message: string, fix?: string): AppError =>
  new AppError('invalid_parameter', {
    detail: `${location} ${message}${fix ? `. ${fix}` : ''}`,
    details: [{ location, message, ...(fix && { fix }) }],
  })

/** Reads `expires_at`. @throws AppError `invalid_parameter` unless it lies in the future. */
export const readExpiry = (text: string | null | undefined, now: number): Date | null => {
  if (text === null || text === undefined) return null
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw refuse('expires_at', 'is no such date', 'Write it like 2030-01-31T12:00:00Z.')
  if (time <= now) throw refuse('expires_at', 'is in the past', 'To end a key at once, revoke it.')
  return new Date(time)
}

/** Normalises the origins of a key. @throws AppError `invalid_parameter` with the faulty one. */
export const readOrigins = (origins: readonly string[] | undefined): string[] => [
  ...new Set(
    (origins ?? []).map((origin, index) => {
      try {
        return normaliseOrigin(origin)
      } catch (cause) {
        throw refuse(`origins.${index}`, (cause as RangeError).message)
      }
    }),
  ),
]

/** Reads money and window of a budget; a JSON number counts by its shortest decimal text. */
export const readBudget = (input: BudgetInput): { limit: NanoUsd; window: BudgetWindow } => ({
  limit: parseUsd(String(input.limit_usd)),
  window: input.window,
})

/** @throws AppError `invalid_parameter` when the configuration has no such tier. */
export const checkTier = (tier: string, tiers: readonly string[]): void => {
  if (!tiers.includes(tier)) throw refuse('tier', 'is not configured', `Use one of: ${tiers.join(', ')}.`)
}
