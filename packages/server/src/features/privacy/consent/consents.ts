import type { ConsentEntry, ConsentState, NoteConsent } from '@headgate/contract/privacy-consents.ts'
import type { Exchange } from '../../../domain/exchange.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { AppError } from '../../../kernel/errors.ts'
import { prefixedId } from '../../../kernel/ids.ts'
import type { Log } from '../../../kernel/log.ts'
import type { ErasurePorts, Requester } from '../erasures.ts'
import type { Person } from '../erasures.store.ts'
import type { ConsentRow, ConsentSource, ConsentStore } from './consents.store.ts'

/** What people are asked for, and what holds where they say nothing. */
export interface ConsentRules {
  /** Every purpose that is known. */
  readonly purposes: readonly string[]
  /** Those that need a consent; what else there is may be done until somebody withdraws. */
  readonly optIn: readonly string[]
  /** Those that the Global Privacy Control of a browser ends. */
  readonly gpc: readonly string[]
}

export interface ConsentPorts {
  readonly store: ConsentStore
  readonly rules: () => ConsentRules
  readonly clock: Clock
  readonly log: Log
  readonly record: ErasurePorts['record']
}

/** A browser that asks not to be tracked is written down once in so long. */
const HEARD_MS = 600_000
/** Whose browser was heard, as many as are remembered. */
const MOST_HEARD = 10_000

const entryOf = (row: ConsentRow): ConsentEntry => ({
  object: 'consent',
  id: row.consent_id,
  project: row.project_id,
  purpose: row.purpose,
  decision: row.decision,
  policy_version: row.policy_version,
  source: row.source,
  proof: row.proof,
  given_at: row.given_at.toISOString(),
  noted_at: row.noted_at.toISOString(),
})

/** What people agreed to and withdrew, and whether something may be done with what is held of them. */
export const createConsents = ({ store, rules, clock, log, record }: ConsentPorts) => {
  const heard = new Map<string, number>()
  const writing = new Set<Promise<void>>()
  const keyOf = ({ project, user }: Person) => JSON.stringify([project, user])

  const checkPurpose = (purpose: string): void => {
    const known = rules().purposes
    if (known.includes(purpose)) return
    throw new AppError('invalid_parameter', {
      details: [
        {
          location: '/purpose',
          message: 'is not known',
          fix: `Name one of privacy.consent_purposes: ${known.join(', ')}.`,
        },
      ],
    })
  }
  const writeOptOut = async (person: Person): Promise<void> => {
    const at = clock.now()
    for (const purpose of rules().gpc) await store.optOut(person, purpose, prefixedId('con', at), new Date(at))
  }

  return {
    /**
     * Whether something may be done with what is held of somebody: not where their browser asks for it now, else as they said last, else
     * as the purpose is.
     */
    allows: async (person: Person, purpose: string, optsOut: boolean): Promise<boolean> => {
      const { optIn, gpc } = rules()
      if (optsOut && gpc.includes(purpose)) return false
      const said = await store.last(person, purpose)
      return said === null ? !optIn.includes(purpose) : said === 'granted'
    },
    /** Told of a call whose `Sec-GPC` is 1: writes it down behind the call. */
    heardOptOut: ({ caller, user }: Pick<Exchange, 'caller' | 'user'>): void => {
      if (user === null || rules().gpc.length === 0) return
      const person = { project: caller.projectId, user }
      const key = keyOf(person)
      const now = clock.monotonic()
      if (now - (heard.get(key) ?? -HEARD_MS) < HEARD_MS) return
      heard.delete(key)
      heard.set(key, now)
      if (heard.size > MOST_HEARD) heard.delete(heard.keys().next().value as string)
      const work = writeOptOut(person)
        .catch((error: Error) => {
          heard.delete(key)
          log.warn({ component: 'privacy', error }, 'That a browser asks not to be tracked could not be written down')
        })
        .finally(() => writing.delete(work))
      writing.add(work)
    },
    /** Adds an entry. @throws AppError `invalid_parameter` for a purpose that is not known, or a time to come. */
    note: async (
      person: Person,
      given: NoteConsent & { readonly given_at?: string },
      source: ConsentSource,
      by: Requester,
    ): Promise<ConsentEntry> => {
      checkPurpose(given.purpose)
      const now = new Date(clock.now())
      const givenAt = given.given_at === undefined ? now : new Date(given.given_at)
      if (!(givenAt <= now))
        throw new AppError('invalid_parameter', {
          details: [{ location: '/given_at', message: 'is no time that has been', fix: 'Name one that has.' }],
        })
      const id = prefixedId('con', clock.now())
      const row = await store.add(
        person,
        {
          ...{ id, purpose: given.purpose, decision: given.decision, source, notedBy: by.actor, givenAt },
          policy_version: given.policy_version ?? null,
          proof: given.proof ?? null,
        },
        async (transaction) => {
          if (source !== 'operator') return
          await record(transaction, {
            ...{ actor: by.actor, action: 'consent.noted', resource: `consent/${id}` },
            ...{ project: person.project, requestId: by.requestId },
          })
        },
      )
      heard.delete(keyOf(person))
      return entryOf(row)
    },
    /** How every purpose stands, also those of which nothing was said. */
    state: async (person: Person, optsOut: boolean): Promise<ConsentState[]> => {
      const { purposes, optIn, gpc } = rules()
      const said = new Map((await store.state(person)).map((row) => [row.purpose, row]))
      return [...new Set([...purposes, ...said.keys()])].map((purpose) => {
        const row = said.get(purpose)
        const isEnded = optsOut && gpc.includes(purpose)
        return {
          object: 'consent_state',
          purpose,
          allowed: !isEnded && (row === undefined ? !optIn.includes(purpose) : row.decision === 'granted'),
          decided_by: isEnded ? 'gpc' : (row?.source ?? 'default'),
          policy_version: row?.policy_version ?? null,
          since: row?.given_at.toISOString() ?? null,
        }
      })
    },
    history: async (person: Person, after: string | null, limit: number): Promise<ConsentEntry[]> =>
      (await store.history(person, after, limit)).map(entryOf),
    stop: async (): Promise<void> => {
      await Promise.all(writing)
    },
  }
}
export type Consents = ReturnType<typeof createConsents>
