import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** What an address opens, to whoever has it. */
export interface Grant {
  readonly project: string
  readonly assetId: string
  readonly version: number
  readonly inline: boolean
  /** Seconds since 1970. */
  readonly expiresAt: number
}

const LABEL = 'headgate/asset-urls/1'
const KEY_BYTES = 32

const parse = (text: string): Grant => {
  const [project, assetId, version, inline, expiresAt] = JSON.parse(text) as [string, string, number, number, number]
  return { project, assetId, version, inline: inline === 1, expiresAt }
}

/** Signs addresses of contents with a key of their own, derived from what all replicas share: HMAC-SHA-256 over digest and grant. */
export const createSigner = (shared: Buffer) => {
  const key = Buffer.from(hkdfSync('sha256', shared, '', LABEL, KEY_BYTES))
  const signatureOf = (digest: string, payload: string): Buffer =>
    createHmac('sha256', key).update(`${digest}.${payload}`).digest()
  return {
    /** The last part of an address. */
    sign: (digest: string, { project, assetId, version, inline, expiresAt }: Grant): string => {
      const payload = Buffer.from(JSON.stringify([project, assetId, version, inline ? 1 : 0, expiresAt])).toString(
        'base64url',
      )
      return `${payload}.${signatureOf(digest, payload).toString('base64url')}`
    },

    /** What such a part grants at `now`, in seconds since 1970; null where it was not signed here, or has expired. */
    read: (digest: string, token: string, now: number): Grant | null => {
      const [payload = '', signature = ''] = token.split('.')
      const given = Buffer.from(signature, 'base64url')
      const wanted = signatureOf(digest, payload)
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null
      const grant = parse(Buffer.from(payload, 'base64url').toString('utf8'))
      return grant.expiresAt > now ? grant : null
    },
  }
}

export type Signer = ReturnType<typeof createSigner>
