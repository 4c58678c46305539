import {
  addressFrom,
  expectOk,
  fileFrom,
  members,
  required,
  SecretProblem,
  type SecretSource,
  type SourceSetting,
  textAt,
} from './source.ts'

const API_VERSION = '7.4'
const RESOURCE = 'https://vault.azure.net'
const MACHINE_ADDRESS = 'http://169.254.169.254/metadata/identity/oauth2/token'

const accessToken = (text: string, server: string): string =>
  textAt(members(text, `the answer of ${server}`), 'access_token', `the answer of ${server}`)

/** A token for an application, by its secret or by the token that its platform signs (OAuth 2.0 client credentials). */
const tokenOfApplication = async ({ variables, ask }: SourceSetting): Promise<string> => {
  const authority = addressFrom(
    variables['AZURE_AUTHORITY_HOST'] || 'https://login.microsoftonline.com',
    'AZURE_AUTHORITY_HOST',
  )
  const file = variables['AZURE_FEDERATED_TOKEN_FILE']
  const proof = file
    ? {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: fileFrom(file, 'AZURE_FEDERATED_TOKEN_FILE'),
      }
    : { client_secret: required(variables, 'AZURE_CLIENT_SECRET') }
  const form = {
    grant_type: 'client_credentials',
    client_id: required(variables, 'AZURE_CLIENT_ID'),
    scope: `${RESOURCE}/.default`,
    ...proof,
  }
  const answer = await ask(`${authority}/${required(variables, 'AZURE_TENANT_ID')}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
  expectOk(answer, 'Microsoft Entra ID', { 400: 'it refuses the application', 401: 'it refuses the application' })
  return accessToken(answer.text, 'Microsoft Entra ID')
}

/** A token of the managed identity of what Headgate runs on: an app, a container, a machine. */
const tokenOfMachine = async ({ variables, ask }: SourceSetting): Promise<string> => {
  const endpoint = variables['IDENTITY_ENDPOINT']
  const client = variables['AZURE_CLIENT_ID']
  const query = new URLSearchParams({
    'api-version': endpoint ? '2019-08-01' : '2018-02-01',
    resource: RESOURCE,
    ...(client && { client_id: client }),
  })
  const headers: Record<string, string> = endpoint
    ? { 'x-identity-header': required(variables, 'IDENTITY_HEADER') }
    : { metadata: 'true' }
  const address = endpoint ? addressFrom(endpoint, 'IDENTITY_ENDPOINT') : MACHINE_ADDRESS
  const answer = await ask(`${address}?${query.toString()}`, { isMachine: true, headers })
  expectOk(answer, 'the managed identity of Azure')
  return accessToken(answer.text, 'the managed identity of Azure')
}

/** Azure Key Vault: the secret’s identifier, `https://<vault>.vault.azure.net/secrets/<name>[/<version>]`, or `<vault>/<name>`. */
export const readAzure: SecretSource = async (path, setting) => {
  const { variables, ask } = setting
  const short = /^([A-Za-z0-9-]+)\/([A-Za-z0-9-]+)$/.exec(path)
  const address = short === null ? path : `https://${short[1]}.vault.azure.net/secrets/${short[2]}`
  if (!/^https?:\/\/[^/?#]+\/secrets\/[A-Za-z0-9-]+(?:\/[A-Za-z0-9]+)?$/.test(address))
    throw new SecretProblem('is neither <vault>/<name> nor the identifier of a secret in Azure Key Vault')
  const isApplication = Boolean(variables['AZURE_CLIENT_SECRET'] || variables['AZURE_FEDERATED_TOKEN_FILE'])
  const token = isApplication ? await tokenOfApplication(setting) : await tokenOfMachine(setting)
  const answer = await ask(`${address}?api-version=${API_VERSION}`, { headers: { authorization: `Bearer ${token}` } })
  expectOk(answer, 'Azure Key Vault', {
    401: 'the token is not for this vault',
    403: 'the identity may not read it',
  })
  return textAt(members(answer.text, 'the answer of Azure Key Vault'), 'value', 'the answer of Azure Key Vault')
}
