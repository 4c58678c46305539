import { readFileSync } from 'node:fs'
import type { Answer, Question } from '../../kernel/outbound-answer.ts'
import type { Variables } from '../variables.ts'

/** The managers, by the word before the colon: `${vault:path#field}`. */
export const secretKinds = ['vault', 'aws', 'gcp', 'azure'] as const

/** What a secret source reads with. */
export interface SourceSetting {
  /** The environment and `.env`: where the manager is, and what Headgate shows to it. */
  readonly variables: Variables
  /** Asks the manager, again where a new try may help, until the time for all secrets is up. */
  readonly ask: (url: string, question?: Omit<Question, 'timeoutMs'>) => Promise<Answer>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** A secret as its manager holds it: one text, or named fields. */
export type StoredSecret = string | Readonly<Record<string, unknown>>

/** Reads one secret of a manager. @throws SecretProblem. */
export type SecretSource = (path: string, setting: SourceSetting) => Promise<StoredSecret>

/** Why a secret cannot be read, in words for an operator; carries no value. */
export class SecretProblem extends Error {}

/** The variable, or a problem that names it. @throws SecretProblem. */
export const required = (variables: Variables, name: string): string => {
  const value = variables[name]
  if (value === undefined || value === '') throw new SecretProblem(`needs the environment variable ${name}`)
  return value
}

/** The text of a file that a variable names. @throws SecretProblem. */
export const fileFrom = (path: string, name: string): string => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'error'
    throw new SecretProblem(`the file of ${name} cannot be read (${code})`)
  }
}

/** An address from the environment, without trailing slashes. @throws SecretProblem. */
export const addressFrom = (text: string, name: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw new SecretProblem(`${name} is no http:// or https:// address`)
  return text.replace(/\/+$/, '')
}

/** The members of a JSON object. @throws SecretProblem. */
export const members = (text: string, what: string): Readonly<Record<string, unknown>> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own message would quote the text.
    value = null
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SecretProblem(`${what} is no JSON object`)
  return value as Record<string, unknown>
}

/** A text among members. @throws SecretProblem. */
export const textAt = (object: Readonly<Record<string, unknown>>, name: string, what: string): string => {
  const value = object[name]
  if (typeof value !== 'string' || value === '') throw new SecretProblem(`${what} has no ${name}`)
  return value
}

/** Names what a manager refused. @throws SecretProblem where the status is not 200. */
export const expectOk = (answer: Answer, manager: string, hints: Readonly<Record<number, string>> = {}): void => {
  if (answer.status === 200) return
  const hint = hints[answer.status] ?? (answer.status === 404 ? 'there is no such secret' : undefined)
  throw new SecretProblem(`${manager} answered ${answer.status}${hint === undefined ? '' : `: ${hint}`}`)
}
