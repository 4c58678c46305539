import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'
import { createKnownPeople } from './known-people.ts'

const PREFIX = 'hg_dt_'
/** Id of the device, end in seconds in base 36, HMAC-SHA-256 in base64url. */
const form = /^hg_dt_(dev_[0-9A-Z]{26})_([0-9a-z]{1,9})_([\w-]{43})$/

/** Whether a credential looks like the token of a device. */
export const looksLikeDeviceToken = (credential: string): boolean => credential.startsWith(PREFIX)

/** Signs and knows tokens of anonymous devices: nothing is kept of them, and each holds within its project. */
export const createDeviceTokens = (clock: Clock, pepper: Buffer) => {
  const known = createKnownPeople(clock, 'device_token_expired')
  const sign = (project: string, device: string, end: string): Buffer =>
    createHmac('sha256', pepper).update(`headgate/device-token/1 ${project} ${device} ${end}`).digest()

  /** @throws AppError `device_token_invalid`. */
  const verify = (token: string, project: string): { device: string; expiresAt: number } => {
    const [, device = '', end = '', signature = ''] = form.exec(token) ?? []
    if (device === '' || !timingSafeEqual(Buffer.from(signature, 'base64url'), sign(project, device, end)))
      throw new AppError('device_token_invalid')
    return { device, expiresAt: Number.parseInt(end, 36) * 1_000 }
  }

  return {
    mint: (project: string, device: string, expiresAt: number): string => {
      const end = Math.floor(expiresAt / 1_000).toString(36)
      return `${PREFIX}${device}_${end}_${sign(project, device, end).toString('base64url')}`
    },

    /** The device of a token that holds. @throws AppError `device_token_invalid`, `device_token_expired`. */
    deviceOf: (token: string, project: string): string => {
      const { device, expiresAt } = verify(token, project)
      if (clock.now() >= expiresAt) throw new AppError('device_token_expired')
      return device
    },

    /**
     * The holder of the key that stands beside the token, and the device in one.
     * @throws AppError `device_token_invalid`, `device_token_expired`.
     */
    authenticate: (token: string, beside: Caller): Caller => {
      const id = `${hash('sha256', token, 'binary')}${beside.projectId}`
      let person = known.find(id)
      if (person === undefined) {
        const { device, expiresAt } = verify(token, beside.projectId)
        person = known.person({ user: device, tier: null, alone: null, expiresAt })
        known.keep(id, person)
      }
      return known.callerOf(person, beside)
    },
  }
}

export type DeviceTokens = ReturnType<typeof createDeviceTokens>
