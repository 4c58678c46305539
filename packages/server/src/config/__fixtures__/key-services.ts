import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signedHeaders } from '../../kernel/aws-signature.ts'
import { isGoogleAssertion, known, read } from './secret-managers.ts'

export const googleKeyName = 'projects/p/locations/europe/keyRings/r/cryptoKeys/headgate'

/**
 * The protocols of Vault's Transit engine, AWS KMS and Google Cloud KMS, as far as wrapping a key goes: written after their
 * documentation. Who asks is checked as there, by token, by Signature Version 4, by a signed assertion.
 */
export interface KeyServices {
  readonly url: string
  readonly paths: string[]
  /** Answer so many requests with 503 first; -1: none is ever answered. */
  trouble: number
  /** Every use is refused with 403. */
  refuses: boolean
  /** Gives other bytes back than were wrapped. */
  forgets: boolean
  /** PEM of the key by which Google knows the service account. */
  googleKey: string
  readonly close: () => Promise<void>
}

const keys = new Map<string, Buffer>()
const keyOf = (name: string): Buffer => {
  const key = keys.get(name) ?? randomBytes(32)
  keys.set(name, key)
  return key
}
const lock = (name: string, plain: Buffer, context: string): Buffer => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyOf(name), nonce).setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}
const unlock = (name: string, sealed: Buffer, context: string): Buffer | null => {
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(name), sealed.subarray(0, 12))
      .setAAD(Buffer.from(context))
      .setAuthTag(sealed.subarray(-16))
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
  } catch {
    return null
  }
}

const isSigned = (request: IncomingMessage, body: string, url: string): boolean => {
  const { authorization, 'x-amz-date': time = '' } = request.headers
  const at = Date.parse(String(time).replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'))
  const headers = {
    'content-type': String(request.headers['content-type']),
    'x-amz-target': String(request.headers['x-amz-target']),
  }
  const signing = { method: 'POST', url: `${url}/`, headers, body }
  return signedHeaders(signing, known.aws, 'eu-central-1', 'kms', at)['authorization'] === authorization
}

/** Starts all doubles behind one address. */
export const startKeyServices = async (): Promise<KeyServices> => {
  const state = { trouble: 0, refuses: false, forgets: false, googleKey: '' }
  const paths: string[] = []
  let url = ''

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? ''
    const target = String(request.headers['x-amz-target'] ?? '')
    paths.push(`${request.method} ${path}${target && ` ${target}`}`)
    const body = await read(request)
    const send = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    if (state.trouble < 0) return
    if (state.trouble > 0) {
      state.trouble -= 1
      return send(503, {})
    }
    if (path === '/google-token') {
      const good = isGoogleAssertion(new URLSearchParams(body), state.googleKey, `${url}/google-token`)
      return good ? send(200, { access_token: 'google-token', expires_in: 3_599 }) : send(400, {})
    }
    if (state.refuses) return send(403, { errors: ['permission denied'] })
    const given = JSON.parse(body) as Record<string, string> & { EncryptionContext?: object }
    const bytes = (text: string | undefined) => Buffer.from(text ?? '', 'base64')
    const kept = (plain: Buffer) => (state.forgets ? randomBytes(plain.length) : plain)

    const vault = /^\/v1\/transit\/(encrypt|decrypt)\/headgate$/.exec(path)?.[1]
    if (vault !== undefined) {
      if (request.headers['x-vault-token'] !== known.vaultToken) return send(403, { errors: ['permission denied'] })
      const context = given['associated_data'] ?? ''
      if (vault === 'encrypt') {
        const sealed = lock('vault', kept(bytes(given['plaintext'])), context)
        return send(200, { data: { ciphertext: `vault:v1:${sealed.toString('base64')}`, key_version: 1 } })
      }
      const plain = unlock('vault', bytes(given['ciphertext']?.replace(/^vault:v1:/, '')), context)
      if (plain === null) return send(400, { errors: ['cipher: message authentication failed'] })
      return send(200, { data: { plaintext: plain.toString('base64') } })
    }
    if (target.startsWith('TrentService.')) {
      if (!isSigned(request, body, url)) return send(403, { __type: 'InvalidSignatureException' })
      if (given['KeyId'] !== 'alias/headgate') return send(400, { __type: 'NotFoundException' })
      const context = JSON.stringify(given.EncryptionContext)
      if (target === 'TrentService.Encrypt') {
        const sealed = lock('aws', kept(bytes(given['Plaintext'])), context)
        return send(200, { CiphertextBlob: sealed.toString('base64'), KeyId: 'arn:aws:kms:key' })
      }
      const plain = unlock('aws', bytes(given['CiphertextBlob']), context)
      if (plain === null) return send(400, { __type: 'InvalidCiphertextException' })
      return send(200, { Plaintext: plain.toString('base64') })
    }
    const google = /^\/v1\/(projects\/.+):(encrypt|decrypt)$/.exec(path)
    if (google?.[1] === googleKeyName) {
      if (request.headers.authorization !== 'Bearer google-token') return send(401, {})
      const context = given['additionalAuthenticatedData'] ?? ''
      if (google[2] === 'encrypt')
        return send(200, { ciphertext: lock('google', kept(bytes(given['plaintext'])), context).toString('base64') })
      const plain = unlock('google', bytes(given['ciphertext']), context)
      return plain === null ? send(400, {}) : send(200, { plaintext: plain.toString('base64') })
    }
    send(404, {})
  }

  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, {
    url,
    paths,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  })
}
