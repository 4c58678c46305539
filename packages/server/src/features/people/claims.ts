import type { IssuerInput } from '@headgate/contract/issuers.ts'
import { AppError } from '../../kernel/errors.ts'

const MOST_USER_CHARACTERS = 256
const unprintable = /\p{Cc}/u

const unfit = (location: string, message: string): AppError =>
  new AppError('user_token_claim_invalid', {
    details: [{ location, message, fix: 'Set user_claim to a claim that names the person for good.' }],
  })

/** The user id that verified claims name. @throws AppError `user_token_claim_invalid`. */
export const userOf = (
  claims: Readonly<Record<string, unknown>>,
  { user_claim: name = 'sub', user_prefix: prefix = '' }: IssuerInput,
): string => {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
  if (typeof text !== 'string' || text === '') throw unfit(name, 'is no text')
  const user = prefix + text
  if (user.length > MOST_USER_CHARACTERS || unprintable.test(user))
    throw unfit(name, `must be at most ${MOST_USER_CHARACTERS} characters, none of them control characters`)
  return user
}

/** The tier that verified claims name; null where none is configured by that name. */
export const tierOf = (
  claims: Readonly<Record<string, unknown>>,
  { tier_claim: name }: IssuerInput,
  tiers: readonly string[],
): string | null => {
  const value = name !== undefined && Object.hasOwn(claims, name) ? claims[name] : undefined
  return typeof value === 'string' && tiers.includes(value) ? value : null
}
