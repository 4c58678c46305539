import { signedHeaders } from '../../kernel/aws-signature.ts'
import { SealBroken } from '../../kernel/seal-cipher.ts'
import { awsCredentials, awsRegion } from '../secret-sources/aws.ts'
import { addressFrom, expectOk, members, SecretProblem, textAt } from '../secret-sources/source.ts'
import type { OpenKeySource } from './source.ts'

/**
 * AWS KMS: `Encrypt` and `Decrypt` with a symmetric key, what the key is for as encryption context
 * (docs.aws.amazon.com/kms/latest/APIReference), signed with Signature Version 4.
 */
export const openAwsKey: OpenKeySource = (key, setting) => {
  const { variables, ask, now } = setting
  const asked = async (action: 'Encrypt' | 'Decrypt', given: object) => {
    const region = awsRegion(variables)
    const moved = variables['AWS_ENDPOINT_URL_KMS'] || variables['AWS_ENDPOINT_URL']
    const url = moved ? `${addressFrom(moved, 'AWS_ENDPOINT_URL_KMS')}/` : `https://kms.${region}.amazonaws.com/`
    const body = JSON.stringify({ KeyId: key, ...given })
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` }
    const answer = await ask(url, {
      method: 'POST',
      headers: signedHeaders(
        { method: 'POST', url, headers, body },
        await awsCredentials(setting),
        region,
        'kms',
        now(),
      ),
      body,
    })
    if (answer.status === 400) {
      const kind = /[A-Za-z]{1,80}(?:Exception|Error)/.exec(answer.text)?.[0] ?? 'a bad request'
      if (kind === 'InvalidCiphertextException' || kind === 'IncorrectKeyException')
        throw new SealBroken('AWS KMS says of an encryption key that it did not encrypt it')
      throw new SecretProblem(`AWS KMS answered 400: ${kind}`)
    }
    expectOk(answer, 'AWS KMS', { 403: 'the credentials may not use this key' })
    return members(answer.text, 'the answer of AWS KMS')
  }
  const context = (text: string) => ({ EncryptionContext: { headgate: text } })
  return {
    encrypt: async (plain, text) => {
      const made = await asked('Encrypt', { Plaintext: plain.toString('base64'), ...context(text) })
      return Buffer.from(textAt(made, 'CiphertextBlob', 'the answer of AWS KMS'), 'base64')
    },
    decrypt: async (cipher, text) => {
      const made = await asked('Decrypt', { CiphertextBlob: cipher.toString('base64'), ...context(text) })
      return Buffer.from(textAt(made, 'Plaintext', 'the answer of AWS KMS'), 'base64')
    },
  }
}
