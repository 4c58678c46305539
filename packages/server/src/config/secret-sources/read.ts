import { ask } from '../../kernel/outbound-answer.ts'
import type { Variables } from '../variables.ts'
import { readAws } from './aws.ts'
import { readAzure } from './azure.ts'
import { readGoogle } from './google.ts'
import {
  members,
  type secretKinds,
  SecretProblem,
  type SecretSource,
  type SourceSetting,
  type StoredSecret,
} from './source.ts'
import { readVault } from './vault.ts'

const bySource: Readonly<Record<(typeof secretKinds)[number], SecretSource>> = {
  vault: readVault,
  aws: readAws,
  gcp: readGoogle,
  azure: readAzure,
}
const secretSources: Readonly<Record<string, SecretSource>> = bySource

/** Longest wait for all secrets together; then the start or the reload fails and says why. */
const PATIENCE_MS = 10_000
const PAUSE_MS = 500

/** What a reference brought: its value, or what is wrong. */
export type FetchedSecret = { readonly value: string } | { readonly problem: string }

const splitReference = (reference: string): { kind: string; path: string; field: string | undefined } => {
  const colon = reference.indexOf(':')
  const [path = '', field] = reference.slice(colon + 1).split('#')
  return { kind: reference.slice(0, colon), path, field }
}

const fieldOf = (stored: StoredSecret, field: string | undefined): string => {
  if (field === undefined || field === '') {
    if (typeof stored === 'string') return stored
    throw new SecretProblem('has fields: name one after "#"')
  }
  const fields = typeof stored === 'string' ? members(stored, 'the secret') : stored
  const value = Object.hasOwn(fields, field) ? fields[field] : undefined
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new SecretProblem(`has no field ${JSON.stringify(field)} that is a text`)
}

/** Managers and their agents may start after us: what may pass is asked for again while there is time. @throws SecretProblem. */
export const patient =
  (deadline: number, patienceMs = PATIENCE_MS): SourceSetting['ask'] =>
  async (url, question = {}) => {
    const { host } = new URL(url)
    for (;;) {
      const timeoutMs = Math.ceil(deadline - performance.now())
      if (timeoutMs <= 0) throw new SecretProblem(`${host} did not answer within ${patienceMs / 1_000} seconds`)
      let problem: SecretProblem
      try {
        const answer = await ask(url, { ...question, timeoutMs })
        if (answer.status !== 429 && answer.status < 500) return answer
        problem = new SecretProblem(`${host} answered ${answer.status}`)
      } catch (error) {
        // The wait ended with the time for all.
        if (error instanceof Error && error.name === 'TimeoutError') continue
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer'
        problem = new SecretProblem(`${host} could not be reached (${code})`)
      }
      if (performance.now() + PAUSE_MS >= deadline) throw problem
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

/** Reads what references such as `vault:secret/data/app#key` stand for, each secret once, all at the same time. Never rejects. */
export const readSecrets = async (
  references: Iterable<string>,
  variables: Variables,
): Promise<ReadonlyMap<string, FetchedSecret>> => {
  const setting: SourceSetting = { variables, ask: patient(performance.now() + PATIENCE_MS), now: Date.now }
  const asked = new Map<string, Promise<StoredSecret>>()
  const read = async (reference: string): Promise<FetchedSecret> => {
    const { kind, path, field } = splitReference(reference)
    try {
      const source = secretSources[kind]
      if (source === undefined || path === '') throw new SecretProblem('names no secret')
      const key = `${kind}:${path}`
      const stored = asked.get(key) ?? source(path, setting)
      asked.set(key, stored)
      return { value: fieldOf(await stored, field) }
    } catch (error) {
      const reason = error instanceof SecretProblem ? error.message : 'could not be read'
      return { problem: `the secret ${kind}:${path}: ${reason}` }
    }
  }
  const all = [...new Set(references)].map(async (reference) => [reference, await read(reference)] as const)
  return new Map(await Promise.all(all))
}
