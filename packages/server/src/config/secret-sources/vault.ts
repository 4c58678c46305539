import type { Variables } from '../variables.ts'
import {
  addressFrom,
  expectOk,
  fileFrom,
  members,
  required,
  SecretProblem,
  type SecretSource,
  type StoredSecret,
} from './source.ts'

const tokenOf = (variables: Variables): string => {
  const file = variables['VAULT_TOKEN_FILE']
  if (file === undefined || file === '') return required(variables, 'VAULT_TOKEN')
  return fileFrom(file, 'VAULT_TOKEN_FILE')
}

/** What shows Vault who asks, and where. @throws SecretProblem. */
export const vaultHeaders = (variables: Variables): Record<string, string> => {
  const namespace = variables['VAULT_NAMESPACE']
  return {
    'x-vault-token': tokenOf(variables),
    'x-vault-request': 'true',
    ...(namespace !== undefined && namespace !== '' && { 'x-vault-namespace': namespace }),
  }
}

/**
 * HashiCorp Vault, and OpenBao: `GET /v1/<path>` with a token. Version 2 of the key-value engine wraps its fields in
 * `data.data`, version 1 in `data` (developer.hashicorp.com/vault/api-docs/secret/kv).
 */
export const readVault: SecretSource = async (path, { variables, ask }) => {
  const address = addressFrom(required(variables, 'VAULT_ADDR'), 'VAULT_ADDR')
  const answer = await ask(`${address}/v1/${path.split('/').map(encodeURIComponent).join('/')}`, {
    headers: vaultHeaders(variables),
  })
  expectOk(answer, 'Vault', {
    403: 'the token may not read it',
    404: 'there is no such secret; in version 2 of the key-value engine its path has "data/" after the mount',
    503: 'it is sealed',
  })
  const { data } = members(answer.text, 'the answer of Vault') as { data?: StoredSecret & { data?: unknown } }
  if (typeof data !== 'object' || data === null) throw new SecretProblem('Vault answered without data')
  const { data: inner, metadata } = data as { data?: unknown; metadata?: unknown }
  return typeof inner === 'object' && inner !== null && typeof metadata === 'object'
    ? (inner as Record<string, unknown>)
    : data
}
