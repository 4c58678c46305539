import type { MintDevice } from '@headgate/contract/devices.ts'
import type { Caller } from '../../domain/caller.ts'
import type { Clock } from '../../kernel/clock.ts'
import { bucketOf, type CounterRule, type Counters } from '../../kernel/counters.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import { CHALLENGE_MS, createDeviceProof } from './device-proof.ts'
import type { DeviceTokens } from './device-tokens.ts'

const DAY_MS = 86_400_000

/** How devices are let in, as configured. */
export interface DeviceSettings {
  readonly token_days: number
  /** Zero bits that a proof of work has; 0: none is asked for. */
  readonly proof_bits: number
  readonly per_ip: { readonly rate_per_minute: number; readonly burst: number }
}

export interface DevicesOptions {
  readonly clock: Clock
  readonly pepper: Buffer
  readonly counters: Counters
  readonly tokens: DeviceTokens
  /** Asked anew each time. */
  readonly settings: () => DeviceSettings
  /** The network that an address is counted with. */
  readonly networkOf: (address: string) => string
}

/** A device with its token. */
export interface MintedDevice {
  readonly id: string
  readonly token: string
  readonly expiresAt: number
}

/** Makes anonymous people: one device, one token. */
export const createDevices = ({ clock, pepper, counters, tokens, settings, networkOf }: DevicesOptions) => {
  const proofs = createDeviceProof(clock, pepper)

  const refuseProof = (code: 'device_proof_required' | 'device_proof_invalid', project: string): AppError =>
    new AppError(code, {
      params: { challenge: proofs.challenge(project), difficulty: settings().proof_bits, algorithm: 'SHA-256' },
    })

  /** What a new device is counted against: its address, and its proof, which counts once. */
  const rulesOf = (project: string, { token, proof }: MintDevice, address: string): CounterRule[] => {
    const { proof_bits: bits, per_ip: perIp } = settings()
    const limit = bucketOf(perIp.rate_per_minute, perIp.burst)
    const rules: CounterRule[] = [{ key: `device:${networkOf(address)}`, limit, cost: 1 }]
    if (bits === 0 || token !== undefined) return rules
    if (proof === undefined) throw refuseProof('device_proof_required', project)
    if (!proofs.holds(project, proof.challenge, proof.nonce, bits)) throw refuseProof('device_proof_invalid', project)
    const once = { algorithm: 'sliding_window', quota: 1, windowMs: 2 * CHALLENGE_MS } as const
    return [...rules, { key: `device-proof:${proof.challenge}`, limit: once, cost: 1 }]
  }

  return {
    /**
     * A new device of the caller's project, or a new token for the device of a token that still holds.
     * @throws AppError `publishable_key_required`, `device_token_invalid`, `device_token_expired`,
     * `device_proof_required`, `device_proof_invalid`, `rate_limit_exceeded`.
     */
    mint: async (caller: Caller, input: MintDevice, address: string): Promise<MintedDevice> => {
      if (caller.kind !== 'publishable' || caller.person !== null) throw new AppError('publishable_key_required')
      const { projectId: project } = caller
      const former = input.token === undefined ? null : tokens.deviceOf(input.token, project)
      const { allowed, standings } = await counters.take(rulesOf(project, input, address))
      if (!allowed) {
        const [ofAddress, ofProof] = standings
        if (ofProof !== undefined && ofProof.retryAfterMs > 0) throw refuseProof('device_proof_invalid', project)
        throw new AppError('rate_limit_exceeded', {
          retryAfterMs: Math.ceil(ofAddress?.retryAfterMs ?? 0),
          violatedPolicies: ['devices'],
        })
      }
      const now = clock.now()
      const id = former ?? prefixedId('dev', now)
      const expiresAt = now + settings().token_days * DAY_MS
      return { id, token: tokens.mint(project, id, expiresAt), expiresAt }
    },
  }
}

export type Devices = ReturnType<typeof createDevices>
