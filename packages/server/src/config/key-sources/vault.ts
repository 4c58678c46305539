import { SealBroken } from '../../kernel/seal-cipher.ts'
import { addressFrom, expectOk, members, required, SecretProblem, textAt } from '../secret-sources/source.ts'
import { vaultHeaders } from '../secret-sources/vault.ts'
import type { OpenKeySource } from './source.ts'

const hints = {
  403: 'the token may not use this key',
  404: 'there is no such key, or no such mount',
  503: 'it is sealed',
}

/**
 * The Transit engine of HashiCorp Vault, and of OpenBao: `POST /v1/<mount>/encrypt/<key>` and `decrypt`, with what the key is for as
 * associated data (developer.hashicorp.com/vault/api-docs/secret/transit). The key has to be of a kind that takes such data:
 * `aes256-gcm96`, which is the usual one.
 */
export const openVaultKey: OpenKeySource = (key, { variables, ask }) => {
  const slash = key.lastIndexOf('/')
  if (slash < 1 || slash === key.length - 1)
    throw new SecretProblem('the key of Vault is no name such as transit/headgate')
  const [mount, name] = [key.slice(0, slash), key.slice(slash + 1)]
  const asked = async (verb: 'encrypt' | 'decrypt', body: object) => {
    const address = addressFrom(required(variables, 'VAULT_ADDR'), 'VAULT_ADDR')
    const path = mount.split('/').map(encodeURIComponent).join('/')
    return ask(`${address}/v1/${path}/${verb}/${encodeURIComponent(name)}`, {
      method: 'POST',
      headers: { ...vaultHeaders(variables), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  }
  const dataOf = (text: string): Readonly<Record<string, unknown>> =>
    (members(text, 'the answer of Vault')['data'] ?? {}) as Record<string, unknown>
  const associated = (context: string): string => Buffer.from(context).toString('base64')
  return {
    encrypt: async (plain, context) => {
      const answer = await asked('encrypt', {
        plaintext: plain.toString('base64'),
        associated_data: associated(context),
      })
      expectOk(answer, 'Vault', hints)
      return Buffer.from(textAt(dataOf(answer.text), 'ciphertext', 'the answer of Vault'))
    },
    decrypt: async (cipher, context) => {
      const answer = await asked('decrypt', { ciphertext: cipher.toString(), associated_data: associated(context) })
      if (answer.status === 400)
        throw new SealBroken(
          'Vault says of an encryption key that it did not encrypt it, or no longer has that version',
        )
      expectOk(answer, 'Vault', hints)
      return Buffer.from(textAt(dataOf(answer.text), 'plaintext', 'the answer of Vault'), 'base64')
    },
  }
}
