/** Keys and tokens, by who gives them out. */
export const secretKinds = [
  'private_key',
  'jwt',
  'own_key',
  'openai_key',
  'anthropic_key',
  'aws_key',
  'github_token',
  'google_key',
  'slack_token',
  'stripe_key',
] as const

/** What tells who or where somebody is. */
export const personalKinds = ['email', 'phone', 'credit_card', 'iban', 'ip_address'] as const

/** What can be taken out of prompts. */
export const redactedKinds = [...secretKinds, ...personalKinds] as const
export type RedactedKind = (typeof redactedKinds)[number]

/** Something found in a text. */
export interface Finding {
  readonly kind: RedactedKind
  readonly start: number
  readonly end: number
}
