import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { header } from '@headgate/contract/headers.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { readUser } from '../../kernel/end-user.ts'
import { AppError } from '../../kernel/errors.ts'
import { createKnownPeople } from './known-people.ts'
import type { Headers } from './people.ports.ts'

const form = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/

/** A secret of a project. */
export interface UserSecret {
  readonly project: string
  readonly secret: string
  /** Wall clock; Infinity for the current one. */
  readonly validUntil: number
}

/**
 * Knows people by what a backend signed: HMAC-SHA-256 of `<seconds>.<user>` under a secret of the project. The same signature
 * holds within the window, so that a backend may sign once for many calls.
 */
export const createUserSignatures = (clock: Clock, windowSeconds: () => number) => {
  const known = createKnownPeople(clock, 'user_signature_expired')
  let secrets = new Map<string, UserSecret[]>()

  const proves = ({ secret, validUntil }: UserSecret, signed: string, signature: Buffer): boolean => {
    const expected = createHmac('sha256', secret).update(signed).digest()
    return timingSafeEqual(expected, signature) && clock.now() < validUntil
  }

  const verify = (project: string, user: string, given: string) => {
    const ofProject = secrets.get(project)
    if (ofProject === undefined) throw new AppError('user_secret_missing')
    const [, seconds = '', signature = ''] = form.exec(given) ?? []
    if (seconds === '') throw new AppError('user_signature_invalid')
    const proof = Buffer.from(signature, 'hex')
    const proving = ofProject.filter((secret) => proves(secret, `${seconds}.${user}`, proof))
    const [first] = proving
    if (first === undefined) throw new AppError('user_signature_invalid')
    const at = Number(seconds) * 1_000
    const windowMs = windowSeconds() * 1_000
    if (at - clock.now() > windowMs) throw new AppError('user_signature_expired')
    return known.person({ user, tier: null, alone: null, expiresAt: Math.min(at + windowMs, first.validUntil) })
  }

  return {
    /**
     * The holder of a key, and the person whom the headers name and prove, in one.
     * @throws AppError `user_signature_invalid`, `user_signature_expired`, `user_secret_missing`, `invalid_parameter`.
     */
    authenticate: (caller: Caller, headers: Headers): Caller => {
      const given = headers[header.userSignature]
      const user = readUser(headers)
      if (user === null || typeof given !== 'string')
        throw new AppError('user_signature_invalid', {
          detail: 'A signature needs one `x-headgate-user` that it is of.',
        })
      const id = `${hash('sha256', `${given} ${user}`, 'binary')}${caller.projectId}`
      let person = known.find(id)
      if (person === undefined) {
        person = verify(caller.projectId, user, given)
        known.keep(id, person)
      }
      return known.callerOf(person, caller)
    },

    /** Sets all secrets. */
    replace: (all: readonly UserSecret[]): void => {
      secrets = new Map()
      for (const secret of all) secrets.set(secret.project, [...(secrets.get(secret.project) ?? []), secret])
      known.forgetAll()
    },
  }
}
