import { SealBroken } from '../../kernel/seal-cipher.ts'
import { googleToken } from '../secret-sources/google.ts'
import { addressFrom, expectOk, members, SecretProblem, textAt } from '../secret-sources/source.ts'
import type { OpenKeySource } from './source.ts'

const SERVER = 'Google Cloud KMS'
const hints = { 401: 'the token is not taken', 403: 'the account may not use this key', 404: 'there is no such key' }

/**
 * Google Cloud KMS: `:encrypt` and `:decrypt` of a symmetric key, what the key is for as additional authenticated data
 * (cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys).
 */
export const openGoogleKey: OpenKeySource = (key, setting) => {
  if (!/^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/.test(key))
    throw new SecretProblem(
      'the key of Google Cloud KMS is no name such as projects/p/locations/europe/keyRings/r/cryptoKeys/headgate',
    )
  const { variables, ask } = setting
  const asked = async (verb: 'encrypt' | 'decrypt', body: object) => {
    const moved = variables['CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS']
    const address = moved
      ? addressFrom(moved, 'CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS')
      : 'https://cloudkms.googleapis.com'
    const authorization = `Bearer ${await googleToken(setting)}`
    return ask(`${address}/v1/${key}:${verb}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }
  const additional = (context: string) => ({ additionalAuthenticatedData: Buffer.from(context).toString('base64') })
  return {
    encrypt: async (plain, context) => {
      const answer = await asked('encrypt', { plaintext: plain.toString('base64'), ...additional(context) })
      expectOk(answer, SERVER, hints)
      return Buffer.from(textAt(members(answer.text, `the answer of ${SERVER}`), 'ciphertext', 'its answer'), 'base64')
    },
    decrypt: async (cipher, context) => {
      const answer = await asked('decrypt', { ciphertext: cipher.toString('base64'), ...additional(context) })
      if (answer.status === 400) throw new SealBroken(`${SERVER} says of an encryption key that it did not encrypt it`)
      expectOk(answer, SERVER, hints)
      return Buffer.from(textAt(members(answer.text, `the answer of ${SERVER}`), 'plaintext', 'its answer'), 'base64')
    },
  }
}
