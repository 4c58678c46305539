import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configurationFolder } from '../../../test/support/configuration.ts'
import { known, type SecretManagers, startSecretManagers } from '../__fixtures__/secret-managers.ts'
import { checkConfig, explainConfig } from '../explain.ts'
import { reloadConfig } from '../reload.ts'
import { signedHeaders } from '../../kernel/aws-signature.ts'

const canary = 'canary-x4Kq9PzT2mWv7LsB'
const { faultsOf, load, path, write } = configurationFolder()
let managers: SecretManagers
beforeEach(async () => {
  managers = await startSecretManagers()
})
afterEach(() => managers.close())

const provider = (reference: string) =>
  write(
    'headgate.yaml',
    `providers:\n  up:\n    kind: openai\n    base_url: http://127.0.0.1:1/v1\n    api_key: ${reference}\n`,
  )
const vault = () => ({ VAULT_ADDR: managers.url, VAULT_TOKEN: known.vaultToken })
const aws = () => ({
  AWS_REGION: 'eu-central-1',
  AWS_ENDPOINT_URL_SECRETS_MANAGER: managers.url,
  AWS_ACCESS_KEY_ID: known.aws.accessKeyId,
  AWS_SECRET_ACCESS_KEY: known.aws.secretAccessKey,
})
const keyWith = async (environment: Record<string, string>) =>
  (await load({ environment })).secrets.providers['up']?.api_key?.reveal()

describe('Vault', () => {
  test('both versions of the key-value engine; each secret is read once, however many fields are used', async () => {
    managers.secrets.set('secret/data/headgate', JSON.stringify({ openai: canary, base: 'http://127.0.0.1:2' }))
    managers.secrets.set('secret/old', JSON.stringify({ key: 'old' }))
    write(
      'headgate.yaml',
      [
        'providers:',
        '  up: {kind: openai, base_url: "${vault:secret/data/headgate#base}/v1", api_key: "${vault:secret/data/headgate#openai}"}',
        '  old: {kind: openai, base_url: http://127.0.0.1:1/v1, api_key: "${vault:secret/old#key}"}',
      ].join('\n'),
    )
    const { config, secrets } = await load({ environment: vault() })
    expect(config.providers['up']?.base_url).toBe('http://127.0.0.1:2/v1')
    expect(secrets.providers['up']?.api_key?.reveal()).toBe(canary)
    expect(secrets.providers['old']?.api_key?.reveal()).toBe('old')
    expect(managers.paths.toSorted()).toEqual(['GET /v1/secret/data/headgate', 'GET /v1/secret/old'])
  })

  test('the token may come from a file, as an agent writes it', async () => {
    managers.secrets.set('secret/data/headgate', JSON.stringify({ key: canary }))
    provider('${vault:secret/data/headgate#key}')
    write('token', `${known.vaultToken}\n`)
    expect(await keyWith({ VAULT_ADDR: managers.url, VAULT_TOKEN_FILE: path('token') })).toBe(canary)
  })

  test('every fault has its place, and none a value', async () => {
    managers.secrets.set('secret/data/headgate', JSON.stringify({ key: canary }))
    const faultOf = async (reference: string, environment: Record<string, string> = vault()) => {
      provider(reference)
      const faults = await faultsOf({ environment })
      expect(faults).toHaveLength(1)
      expect(faults[0]).toMatch(/^headgate\.yaml:5:5: providers\.up\.api_key: the secret vault:/)
      expect(faults[0]).not.toContain(canary)
      return faults[0]
    }
    expect(await faultOf('${vault:secret/data/headgate#kee}')).toContain('has no field "kee" that is a text')
    expect(await faultOf('${vault:secret/data/headgate}')).toContain('has fields: name one after "#"')
    expect(await faultOf('${vault:secret/headgate#key}')).toContain('has "data/" after the mount')
    expect(await faultOf('${vault:secret/data/headgate#key}', { VAULT_ADDR: managers.url })).toContain(
      'needs the environment variable VAULT_TOKEN',
    )
    expect(await faultOf('${vault:secret/data/headgate#key}', {})).toContain('VAULT_ADDR')
    expect(
      await faultOf('${vault:secret/data/headgate#key}', { VAULT_ADDR: managers.url, VAULT_TOKEN: 'wrong' }),
    ).toContain('Vault answered 403: the token may not read it')
    expect(await faultOf('${vault:secret/data/headgate#key}', { VAULT_ADDR: 'vault', VAULT_TOKEN: 'x' })).toContain(
      'VAULT_ADDR is no http:// or https:// address',
    )
  })

  test('trouble that passes is waited for; a manager that never answers is not', async () => {
    managers.secrets.set('secret/data/headgate', JSON.stringify({ key: canary }))
    provider('${vault:secret/data/headgate#key}')
    managers.trouble = 2
    expect(await keyWith(vault())).toBe(canary)
    managers.trouble = -1
    expect((await faultsOf({ environment: vault() }))[0]).toContain('did not answer within 10 seconds')
    await managers.close()
    expect((await faultsOf({ environment: vault() }))[0]).toContain('could not be reached (ECONNREFUSED)')
  }, 60_000)
})

describe('AWS Secrets Manager', () => {
  test('signs as the test suite of Signature Version 4 does', () => {
    const request = { method: 'GET', url: 'https://example.amazonaws.com/', headers: {}, body: '' }
    const at = Date.UTC(2015, 7, 30, 12, 36, 0)
    expect(signedHeaders(request, known.aws, 'us-east-1', 'service', at)['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    )
  })

  test('a text, a field of JSON, keys of the environment and lent ones', async () => {
    managers.secrets.set('headgate/plain', canary)
    managers.secrets.set('headgate/json', JSON.stringify({ key: canary }))
    provider('${aws:headgate/plain}')
    expect(await keyWith(aws())).toBe(canary)
    provider('${aws:headgate/json#key}')
    const { AWS_REGION, AWS_ENDPOINT_URL_SECRETS_MANAGER } = aws()
    expect(
      await keyWith({
        AWS_REGION,
        AWS_ENDPOINT_URL_SECRETS_MANAGER,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${managers.url}/container-credentials`,
      }),
    ).toBe(canary)
    provider('${aws:headgate/none}')
    expect((await faultsOf({ environment: aws() }))[0]).toContain('answered 400: ResourceNotFoundException')
    expect((await faultsOf({ environment: { ...aws(), AWS_SECRET_ACCESS_KEY: 'x' } }))[0]).toContain('answered 403')
  })
})

describe('Google Cloud Secret Manager', () => {
  test('by the key of a service account, or the metadata server', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    managers.googleKey = publicKey
    managers.secrets.set('projects/p/secrets/s/versions/latest', canary)
    managers.secrets.set('projects/p/secrets/s/versions/2', 'second')
    write(
      'account.json',
      JSON.stringify({
        type: 'service_account',
        client_email: 'headgate@p.iam.example.com',
        private_key_id: '1',
        private_key: privateKey,
        token_uri: `${managers.url}/google-token`,
      }),
    )
    const moved = { CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: managers.url }
    provider('${gcp:projects/p/secrets/s}')
    expect(await keyWith({ ...moved, GOOGLE_APPLICATION_CREDENTIALS: path('account.json') })).toBe(canary)
    provider('${gcp:projects/p/secrets/s/versions/2}')
    expect(await keyWith({ ...moved, GCE_METADATA_HOST: new URL(managers.url).host })).toBe('second')
    provider('${gcp:s}')
    expect((await faultsOf({ environment: moved }))[0]).toContain('is no name such as projects/my-project/secrets')
  })
})

describe('Azure Key Vault', () => {
  test('by an application’s secret, or a managed identity', async () => {
    managers.secrets.set('openai-key', canary)
    provider(`\${azure:${managers.url}/secrets/openai-key}`)
    const application = {
      AZURE_AUTHORITY_HOST: managers.url,
      AZURE_TENANT_ID: 'tenant',
      AZURE_CLIENT_ID: 'client',
      AZURE_CLIENT_SECRET: known.azureSecret,
    }
    expect(await keyWith(application)).toBe(canary)
    expect(await keyWith({ IDENTITY_ENDPOINT: `${managers.url}/identity`, IDENTITY_HEADER: 'proof' })).toBe(canary)
    expect((await faultsOf({ environment: { ...application, AZURE_CLIENT_SECRET: 'wrong' } }))[0]).toContain(
      'Microsoft Entra ID answered 401: it refuses the application',
    )
    provider('${azure:vault}')
    expect((await faultsOf({ environment: application }))[0]).toContain('is neither <vault>/<name> nor')
  })
})

test('a reload reads secrets anew, and keeps the former ones when a manager is away', async () => {
  managers.secrets.set('secret/data/headgate', JSON.stringify({ key: 'first' }))
  provider('${vault:secret/data/headgate#key}')
  const input = { cwd: path(), environment: vault() }
  const running = await load(input)
  managers.secrets.set('secret/data/headgate', JSON.stringify({ key: canary }))
  const { settings, changed } = await reloadConfig(input, running)
  expect(changed).toEqual(['providers.up.api_key'])
  expect(settings.secrets.providers['up']?.api_key?.reveal()).toBe(canary)
  await managers.close()
  await expect(reloadConfig(input, settings)).rejects.toThrow('could not be reached')
}, 30_000)

test('what a manager holds is shown as ***; offline none is asked, and the rest is checked', async () => {
  managers.secrets.set('secret/data/headgate', JSON.stringify({ key: canary }))
  write('headgate.yaml', 'admin_key: ${vault:secret/data/headgate#key}\nprot: 1')
  const input = { cwd: path(), environment: vault() }
  const { options, faults } = await explainConfig(input)
  expect(options.find(({ option }) => option === 'admin_key')?.value).toBe('***')
  // Too short for an admin key: managers' texts are checked like any other, and not told.
  expect(faults.map(({ option }) => option)).toEqual(['admin_key', 'prot'])
  expect(JSON.stringify([options, faults])).not.toContain(canary)
  managers.paths.length = 0
  const offline = await checkConfig({ ...input, offline: true })
  expect(offline.faults.map(({ option }) => option)).toEqual(['prot'])
  expect(managers.paths).toEqual([])
})
