import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/** What a link opens, to whoever has it. */
export interface ExportGrant {
  readonly project: string
  readonly id: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

const KEY_BYTES = 32

/** Makes links to archives, signed with a key of their own (HMAC-SHA-256), and reads them. */
export const createExportLinks = (shared: Buffer) => {
  const key = Buffer.from(hkdfSync('sha256', shared, '', 'headgate/export-links/1', KEY_BYTES))
  const signatureOf = (payload: string): Buffer => createHmac('sha256', key).update(payload).digest()
  return {
    /** The last part of an address. */
    sign: ({ project, id, expiresAt }: ExportGrant): string => {
      const payload = Buffer.from(JSON.stringify([project, id, expiresAt])).toString('base64url')
      return `${payload}.${signatureOf(payload).toString('base64url')}`
    },
    /** What such a part grants; null where it was not signed here, or has expired. */
    read: (token: string, now: number): ExportGrant | null => {
      const [payload = '', signature = ''] = token.split('.')
      const [given, wanted] = [Buffer.from(signature, 'base64url'), signatureOf(payload)]
      if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null
      const [project, id, expiresAt] = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as [
        ...[string, string, number],
      ]
      return expiresAt > now ? { project, id, expiresAt } : null
    },
  }
}
export type ExportLinks = ReturnType<typeof createExportLinks>
