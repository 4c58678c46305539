import type { ErrorCode } from '@headgate/contract/errors/catalogue.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'

const MOST_KNOWN = 20_000
/** How long a proof is believed before it is looked at again. */
const BELIEVED_MS = 300_000

/** What a proof says of a person. */
export interface ProvenPerson {
  readonly user: string
  /** The tier in the place of the key's; null: that of the key. */
  readonly tier: string | null
  /** Who calls where no key stands beside the proof; null: a key must. */
  readonly alone: Caller | null
  /** Wall clock; Infinity where it does not end by itself. */
  readonly expiresAt: number
}

/** A person whose proof was verified, and the last caller made of it. */
export interface KnownPerson extends ProvenPerson {
  /** Monotonic. */
  readonly believedUntil: number
  /** The caller of the key that stood beside the proof last, and that caller and the person in one. */
  beside: Caller | null
  both: Caller | null
}

/**
 * People whose proofs were verified lately, by an id of the proof. The same proof beside the same key is the same frozen
 * caller, so that what is worked out once for a caller holds for a person too. `expired` is the error of a proof that ended.
 */
export const createKnownPeople = (clock: Clock, expired: ErrorCode) => {
  const known = new Map<string, KnownPerson>()
  return {
    /** The person of a proof, while it is believed. */
    find: (id: string): KnownPerson | undefined => {
      const person = known.get(id)
      return person !== undefined && clock.monotonic() < person.believedUntil ? person : undefined
    },

    /** A person whose proof was verified now. */
    person: (proven: ProvenPerson): KnownPerson => ({
      ...proven,
      believedUntil: clock.monotonic() + BELIEVED_MS,
      beside: null,
      both: null,
    }),

    keep: (id: string, person: KnownPerson): void => {
      known.delete(id)
      if (known.size >= MOST_KNOWN) known.delete(known.keys().next().value as string)
      known.set(id, person)
    },

    /** The caller of a key and a person in one. @throws AppError when the proof has ended, `api_key_missing`. */
    callerOf: (person: KnownPerson, beside: Caller | null): Caller => {
      if (clock.now() >= person.expiresAt) throw new AppError(expired)
      if (beside === null) {
        if (person.alone === null) throw new AppError('api_key_missing')
        return person.alone
      }
      if (person.beside !== beside) {
        person.both = Object.freeze({ ...beside, person: person.user, tier: person.tier ?? beside.tier })
        person.beside = beside
      }
      return person.both as Caller
    },

    forgetAll: (): void => known.clear(),
  }
}
