import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase } from '../../../test/support/database.ts'
import { rotateWholly } from '../../../test/support/rotate.ts'
import { configurationFolder } from '../../../test/support/configuration.ts'
import { openDatabase } from '../../kernel/db.ts'
import { silentLog } from '../../kernel/log.ts'
import { createSeal } from '../../kernel/seal.ts'
import { googleKeyName, type KeyServices, startKeyServices } from '../__fixtures__/key-services.ts'
import { known } from '../__fixtures__/secret-managers.ts'

const { faultsOf, load, path, write } = configurationFolder()
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
let services: KeyServices
beforeEach(async () => {
  services = await startKeyServices()
  services.googleKey = publicKey
  write(
    'account.json',
    JSON.stringify({
      type: 'service_account',
      client_email: 'headgate@p.iam.gserviceaccount.com',
      private_key_id: 'one',
      private_key: privateKey,
      token_uri: `${services.url}/google-token`,
    }),
  )
})
afterEach(() => services.close())

const rootKey = { HEADGATE_ROOT_KEY: 'Tn4vK8rYb2Wq7ZsHc5Lx9JdPf3Gm6QaE' }
const kinds = {
  vault: {
    key: 'transit/headgate',
    environment: () => ({ VAULT_ADDR: services.url, VAULT_TOKEN: known.vaultToken }),
    stranger: { VAULT_TOKEN: 'of-somebody-else' },
    asked: 'POST /v1/transit/encrypt/headgate',
  },
  'aws-kms': {
    key: 'alias/headgate',
    environment: () => ({
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_KMS: services.url,
      AWS_ACCESS_KEY_ID: known.aws.accessKeyId,
      AWS_SECRET_ACCESS_KEY: known.aws.secretAccessKey,
    }),
    stranger: { AWS_SECRET_ACCESS_KEY: 'of-somebody-else' },
    asked: 'POST / TrentService.Encrypt',
  },
  'gcp-kms': {
    key: googleKeyName,
    environment: () => ({
      CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS: services.url,
      GOOGLE_APPLICATION_CREDENTIALS: path('account.json'),
    }),
    stranger: {},
    asked: `POST /v1/${googleKeyName}:encrypt`,
  },
} as const
const configured = (kind: keyof typeof kinds, more: Record<string, string> = {}) => ({
  ...rootKey,
  HEADGATE_ENCRYPTION_ROOT_SOURCE: kind,
  HEADGATE_ENCRYPTION_ROOT_KEY: kinds[kind].key,
  ...kinds[kind].environment(),
  ...more,
})

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s', (kind) => {
  test('wraps a key for one place, opens it there alone, and waits for what passes', async () => {
    services.trouble = 2
    const { secrets } = await load({ environment: configured(kind) })
    expect(services.paths).toContain(kinds[kind].asked)
    const { current } = secrets.seal_roots
    const plain = randomBytes(32)
    const wrapped = await current.wrap(['headgate/encryption-key/1', current.id, 7], plain)
    expect(wrapped.includes(plain)).toBe(false)
    expect((await current.unwrap(['headgate/encryption-key/1', current.id, 7], wrapped)).equals(plain)).toBe(true)
    await expect(current.unwrap(['headgate/encryption-key/1', current.id, 8], wrapped)).rejects.toMatchObject({
      name: 'SealBroken',
    })
    services.refuses = true
    await expect(current.unwrap(['x'], wrapped)).rejects.toMatchObject({ name: 'SealRootAway' })
  })

  test('says at the start what is wrong, and shows nothing of what it holds', async () => {
    if (kind === 'gcp-kms')
      services.googleKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
        type: 'spki',
        format: 'pem',
      }) as string
    const [stranger = ''] = await faultsOf({ environment: configured(kind, kinds[kind].stranger) })
    expect(stranger).toMatch(/encryption\.root.*answered 40[03]/)
    expect(stranger).not.toContain('of-somebody-else')
    services.googleKey = publicKey
    services.refuses = true
    expect((await faultsOf({ environment: configured(kind) }))[0]).toContain('answered 403')
    services.refuses = false
    services.forgets = true
    expect((await faultsOf({ environment: configured(kind) }))[0]).toContain('another key back')
    services.forgets = false
    await services.close()
    const [down = ''] = await faultsOf({ environment: configured(kind) })
    expect(down).toMatch(/could not be reached \(ECONNREFUSED\)|did not answer within/)
  }, 30_000)
})

test('the sources are checked against each other', async () => {
  const faults = async (more: Record<string, string>) => (await faultsOf({ environment: more }))[0]
  expect(await faults({ HEADGATE_ENCRYPTION_ROOT_SOURCE: 'vault' })).toContain('"vault" needs it')
  expect(await faults({ HEADGATE_ENCRYPTION_ROOT_KEY: 'transit/x' })).toContain('without a key service')
  expect(await faults({ HEADGATE_ENCRYPTION_ROOT_SOURCE: 'env' })).toContain('"env" needs root_key')
  expect(await faults({ ...rootKey, HEADGATE_ENCRYPTION_ROOT_SOURCE: 'file' })).toContain('root_key is given')
  expect(await faults({ ...configured('vault'), HEADGATE_ENCRYPTION_ROOT_KEY: 'headgate' })).toContain(
    'no name such as',
  )
})

test('what the root key wrapped opens under a key service, and a rotation moves it there and back', async () => {
  const home = await freshDatabase()
  const database = openDatabase({ connection: { url: home.url }, log: silentLog, poolSize: 2 })
  try {
    const place = { purpose: 'test-secrets', table: 'things', row: 'one', column: 'secret' }
    const sealOf = async (environment: Record<string, string>) =>
      createSeal((await load({ environment })).secrets.seal_roots)
    const opens = async (seal: Awaited<ReturnType<typeof sealOf>>, bytes: Buffer) =>
      database.read('system', (read) => seal.open(read, place, bytes))
    const local = await sealOf(rootKey)
    const bytes = await database.transaction('system', (transaction) => local.seal(transaction, place, 'a text'))

    const vault = await sealOf(configured('vault'))
    expect(await opens(vault, bytes)).toBe('a text')
    expect((await rotateWholly(vault, database)).destroyed).toEqual([1])
    expect((await database.read('system', vault.state)).at(-1)).toMatchObject({
      version: 2,
      rootId: 'vault:transit/headgate',
      opens: true,
    })
    await expect(opens(await sealOf(rootKey), bytes)).rejects.toThrow('vault:transit/headgate')

    // What is open stays open while the service is away; a process that starts afresh says so.
    const fresh = await sealOf(configured('vault'))
    services.refuses = true
    expect(await opens(vault, bytes)).toBe('a text')
    await expect(opens(fresh, bytes)).rejects.toMatchObject({ code: 'encryption_root_unavailable' })
    services.refuses = false

    const back = await sealOf({
      ...rootKey,
      ...kinds.vault.environment(),
      HEADGATE_ENCRYPTION_ROOT_FORMER: 'vault:transit/headgate',
    })
    await rotateWholly(back, database)
    expect(await opens(await sealOf(rootKey), bytes)).toBe('a text')
  } finally {
    await database.close()
    await home.drop()
  }
}, 30_000)
