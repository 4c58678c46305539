import { createSign } from 'node:crypto'
import {
  addressFrom,
  expectOk,
  fileFrom,
  members,
  SecretProblem,
  type SecretSource,
  type SourceSetting,
  textAt,
} from './source.ts'

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const HOUR_SECONDS = 3_600
const METADATA_PATH = '/computeMetadata/v1/instance/service-accounts/default/token'

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token for the key of a service account (RFC 7523; developers.google.com/identity/protocols/oauth2/service-account). */
const tokenOfAccount = async (file: string, { ask, now }: SourceSetting): Promise<string> => {
  const what = 'the file of GOOGLE_APPLICATION_CREDENTIALS'
  const account = members(fileFrom(file, 'GOOGLE_APPLICATION_CREDENTIALS'), what)
  if (account['type'] !== 'service_account') throw new SecretProblem(`${what} is no key of a service account`)
  const tokenAddress = addressFrom(textAt(account, 'token_uri', what), 'token_uri')
  const issuedAt = Math.floor(now() / 1_000)
  const claims = {
    iss: textAt(account, 'client_email', what),
    scope: SCOPE,
    aud: tokenAddress,
    iat: issuedAt,
    exp: issuedAt + HOUR_SECONDS,
  }
  const signed = `${base64url({ alg: 'RS256', typ: 'JWT', kid: account['private_key_id'] })}.${base64url(claims)}`
  let signature: string
  try {
    signature = createSign('RSA-SHA256')
      .update(signed)
      .sign(textAt(account, 'private_key', what), 'base64url')
  } catch {
    // The library's message says too much of a key.
    throw new SecretProblem(`${what} holds no usable private_key`)
  }
  const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: `${signed}.${signature}` }
  const answer = await ask(tokenAddress, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(grant).toString(),
  })
  expectOk(answer, 'Google’s token server', { 400: 'it refuses the service account', 401: 'it refuses the key' })
  return textAt(members(answer.text, 'the answer of Google’s token server'), 'access_token', 'its answer')
}

/** A token of the machine, the pod or the service that Headgate runs on. */
const tokenOfMachine = async ({ variables, ask }: SourceSetting): Promise<string> => {
  const host = variables['GCE_METADATA_HOST'] || 'metadata.google.internal'
  const answer = await ask(`http://${host}${METADATA_PATH}`, {
    isMachine: true,
    headers: { 'metadata-flavor': 'Google' },
  })
  expectOk(answer, 'the metadata server of Google Cloud')
  return textAt(members(answer.text, 'the answer of the metadata server'), 'access_token', 'its answer')
}

/** A token of the service account that the environment names, or else of the machine. @throws SecretProblem. */
export const googleToken = (setting: SourceSetting): Promise<string> => {
  const file = setting.variables['GOOGLE_APPLICATION_CREDENTIALS']
  return file ? tokenOfAccount(file, setting) : tokenOfMachine(setting)
}

/** Google Cloud Secret Manager: `projects/<project>/secrets/<name>`, with `/versions/<version>` or the latest. */
export const readGoogle: SecretSource = async (path, setting) => {
  const { variables, ask } = setting
  const name = /^projects\/[^/]+\/secrets\/[^/]+(?:\/versions\/[^/]+)?$/.exec(path)?.[0]
  if (name === undefined) throw new SecretProblem('is no name such as projects/my-project/secrets/my-secret')
  const moved = variables['CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER']
  const address = moved
    ? addressFrom(moved, 'CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER')
    : 'https://secretmanager.googleapis.com'
  const token = await googleToken(setting)
  const version = name.includes('/versions/') ? name : `${name}/versions/latest`
  const answer = await ask(`${address}/v1/${version}:access`, { headers: { authorization: `Bearer ${token}` } })
  expectOk(answer, 'Google Cloud Secret Manager', { 403: 'the account may not read it' })
  const { payload } = members(answer.text, 'the answer of Google Cloud Secret Manager') as { payload?: object }
  const data = textAt((payload ?? {}) as Record<string, unknown>, 'data', 'the answer of Google Cloud Secret Manager')
  return Buffer.from(data, 'base64').toString('utf8')
}
