import { createPublicKey, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { signedHeaders } from '../../kernel/aws-signature.ts'

/** Credentials that the doubles take, and the secrets they hold. */
export const known = {
  vaultToken: 'vault-token-of-the-double',
  // The example of AWS's documentation, in two pieces for scanners that know it.
  aws: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: ['wJalrXUtnFEMI', 'K7MDENG+bPxRfiCYEXAMPLEKEY'].join('/') },
  lent: { accessKeyId: 'ASIALENT', secretAccessKey: 'lent-secret', sessionToken: 'lent-token' },
  azureSecret: 'azure-client-secret',
} as const

/** The protocols of Vault, AWS, Google Cloud and Azure, as far as reading a secret goes: written after their documentation. */
export interface SecretManagers {
  readonly url: string
  /** Texts by name; change them to rotate a secret. */
  readonly secrets: Map<string, string>
  readonly paths: string[]
  /** Answer so many requests with 503 first; -1: none is ever answered. */
  trouble: number
  /** PEM of the key by which Google knows the service account. */
  googleKey: string
  readonly close: () => Promise<void>
}

/** The whole body of a request. */
export const read = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

const isSigned = (request: IncomingMessage, body: string, url: string): boolean => {
  const { authorization = '', 'x-amz-date': time = '', 'x-amz-security-token': token } = request.headers
  const at = Date.parse(String(time).replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'))
  const credentials = token === known.lent.sessionToken ? known.lent : known.aws
  const headers = {
    'content-type': String(request.headers['content-type']),
    'x-amz-target': String(request.headers['x-amz-target']),
  }
  const signing = { method: 'POST', url: `${url}/`, headers, body }
  return signedHeaders(signing, credentials, 'eu-central-1', 'secretsmanager', at)['authorization'] === authorization
}

/** Whether a service account signed the form of a token request. */
export const isGoogleAssertion = (form: URLSearchParams, key: string, audience: string): boolean => {
  const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  const { aud, exp, iat } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>
  const good = verify(
    'RSA-SHA256',
    Buffer.from(`${head}.${claims}`),
    createPublicKey(key),
    Buffer.from(signature, 'base64url'),
  )
  return good && aud === audience && Number(exp) - Number(iat) === 3_600
}

/** Starts all doubles behind one address. */
export const startSecretManagers = async (): Promise<SecretManagers> => {
  const secrets = new Map<string, string>()
  const state = { trouble: 0, googleKey: '' }
  const paths: string[] = []
  let url = ''

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? ''
    paths.push(`${request.method} ${path}`)
    const body = await read(request)
    const send = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    }
    const holds = (name: string, present: (value: string) => unknown): void => {
      const value = secrets.get(name)
      if (value === undefined) send(404, { errors: [] })
      else send(200, present(value))
    }
    if (state.trouble < 0) return
    if (state.trouble > 0) {
      state.trouble -= 1
      return send(503, {})
    }
    const bearer = request.headers.authorization
    if (path.startsWith('/v1/secret/')) {
      if (request.headers['x-vault-token'] !== known.vaultToken) return send(403, { errors: ['permission denied'] })
      const name = path.slice('/v1/'.length)
      return holds(name, (value) =>
        name.startsWith('secret/data/')
          ? { data: { data: JSON.parse(value), metadata: { version: 1 } } }
          : { data: JSON.parse(value) },
      )
    }
    if (request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue') {
      if (!isSigned(request, body, url)) return send(403, { __type: 'InvalidSignatureException' })
      const { SecretId } = JSON.parse(body) as { SecretId: string }
      if (!secrets.has(SecretId)) return send(400, { __type: 'ResourceNotFoundException' })
      return holds(SecretId, (value) => ({ Name: SecretId, SecretString: value }))
    }
    if (path === '/container-credentials') {
      const { accessKeyId, secretAccessKey, sessionToken } = known.lent
      return send(200, { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken })
    }
    if (path === '/google-token') {
      const good = isGoogleAssertion(new URLSearchParams(body), state.googleKey, `${url}/google-token`)
      return good ? send(200, { access_token: 'google-token', expires_in: 3_599 }) : send(400, {})
    }
    if (path.startsWith('/computeMetadata/'))
      return request.headers['metadata-flavor'] === 'Google' ? send(200, { access_token: 'google-token' }) : send(403, {})
    const google = /^\/v1\/(projects\/.+):access$/.exec(path)?.[1]
    if (google !== undefined) {
      if (bearer !== 'Bearer google-token') return send(401, {})
      return holds(google, (value) => ({ payload: { data: Buffer.from(value).toString('base64') } }))
    }
    if (path === '/tenant/oauth2/v2.0/token') {
      const form = new URLSearchParams(body)
      const good =
        form.get('client_secret') === known.azureSecret && form.get('scope') === 'https://vault.azure.net/.default'
      return good ? send(200, { access_token: 'azure-token' }) : send(401, {})
    }
    if (path.startsWith('/identity?'))
      return request.headers['x-identity-header'] === 'proof' ? send(200, { access_token: 'azure-token' }) : send(401, {})
    const azure = /^\/secrets\/([^?]+)\?api-version=7\.4$/.exec(path)?.[1]
    if (azure !== undefined) {
      if (bearer !== 'Bearer azure-token') return send(401, {})
      return holds(azure, (value) => ({ value }))
    }
    send(404, {})
  }

  const server = createServer((request, response) => void handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(state, {
    url,
    secrets,
    paths,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  })
}
