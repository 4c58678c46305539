import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { makeCertificate } from '../../test/support/certificate.ts'
import { configurationFolder, strongSecrets } from '../../test/support/configuration.ts'

const { faultsOf, load, path, write } = configurationFolder()
const [strong, other] = strongSecrets

describe('production', () => {
  const safe = { HEADGATE_PROFILE: 'production', HEADGATE_ADMIN_KEY: strong, HEADGATE_ROOT_KEY: other }

  test('starts with two strong secrets, without demo, making nothing', async () => {
    const { config } = await load({ environment: safe })
    expect(Object.keys(config.providers)).toEqual([])
    expect(config.ollama_autodetect).toBe(false)
    expect(existsSync(path('.headgate'))).toBe(false)
  })

  test('refuses missing secrets, debug logs and a bare public bind, all at once', async () => {
    await load()
    const environment = { HEADGATE_PROFILE: 'production', HEADGATE_HOST: '0.0.0.0', HEADGATE_LOG_LEVEL: 'debug' }
    expect(await faultsOf({ environment })).toEqual([
      'environment HEADGATE_HOST: host: "0.0.0.0" is public, without TLS; expected tls.cert and tls.key, or trusted_proxies',
      'environment HEADGATE_LOG_LEVEL: log.level: "debug" is refused in production; expected info or a quieter level',
      'profile production: admin_key: is required in production; expected HEADGATE_ADMIN_KEY, for example from: openssl rand -base64 32',
      'profile production: root_key: is required in production; expected HEADGATE_ROOT_KEY, for example from: openssl rand -base64 32',
    ])
  })

  test.each([
    'a'.repeat(40),
    'changeme'.repeat(5),
    '0123456789abcdef'.repeat(2),
    'abcdefghijklmnopqrstuvwxyz0123456789',
    `my-password-${strong}`,
  ])('refuses the guessable key %s without printing it', async (weak) => {
    const faults = await faultsOf({ environment: { ...safe, HEADGATE_ADMIN_KEY: weak } })
    expect(faults).toEqual([
      'environment HEADGATE_ADMIN_KEY: admin_key: is too easy to guess; expected a random text, for example from: openssl rand -base64 32',
    ])
  })

  test('refuses a short key, the same key twice, and proxies that are everyone', async () => {
    const short = await faultsOf({ environment: { ...safe, HEADGATE_ADMIN_KEY: 'short-canary' } })
    expect(short).toEqual([
      'environment HEADGATE_ADMIN_KEY: admin_key: has an unfit value; expected at least 32 characters',
    ])
    expect((await faultsOf({ environment: { ...safe, HEADGATE_ROOT_KEY: strong } }))[0]).toContain(
      'is the same as admin_key',
    )
    expect((await faultsOf({ environment: { ...safe, HEADGATE_TRUSTED_PROXIES: '0.0.0.0/0' } }))[0]).toContain(
      'trusts everyone',
    )
  })

  test('a public bind is fine behind named proxies or with TLS files; staging allows debug logs', async () => {
    const { cert, key } = await makeCertificate('headgate')
    write('cert.pem', cert)
    write('key.pem', key)
    const environment = { ...safe, HEADGATE_HOST: '::' }
    await load({ environment: { ...environment, HEADGATE_TRUSTED_PROXIES: '10.0.0.0/8' } })
    const { config } = await load({
      environment: { ...environment, HEADGATE_TLS_CERT: 'cert.pem', HEADGATE_TLS_KEY: 'key.pem' },
    })
    expect(config.tls).toEqual({ cert: path('cert.pem'), key: path('key.pem') })
    await load({ environment: { ...safe, HEADGATE_PROFILE: 'staging', HEADGATE_LOG_LEVEL: 'debug' } })
    expect(await faultsOf({ environment: { HEADGATE_PROFILE: 'staging', HEADGATE_HOST: '192.0.2.1' } })).toHaveLength(3)
  })
})

describe('secrets', () => {
  test('the root key is made once, 0600, and refused when others can read it or it is cut', async () => {
    const [first, second] = await Promise.all([load(), load()])
    expect(first.secrets.root_key.reveal()).toBe(second.secrets.root_key.reveal())
    expect((await load()).secrets.pepper).toMatchObject({ id: first.secrets.pepper.id })
    const file = path('.headgate', 'root.key')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
    chmodSync(file, 0o644)
    expect((await faultsOf())[0]).toContain('can be read by others')
    chmodSync(file, 0o600)
    writeFileSync(file, 'cut')
    expect((await faultsOf())[0]).toContain('is cut or empty')
    expect(readFileSync(file, 'utf8')).toBe('cut')
  })

  test('the pepper depends on the root key alone', async () => {
    const one = await load({ environment: { HEADGATE_ROOT_KEY: strong } })
    const two = await load({ environment: { HEADGATE_ROOT_KEY: strong, HEADGATE_PORT: '1' } })
    const three = await load({ environment: { HEADGATE_ROOT_KEY: other } })
    expect(one.secrets.pepper.key.reveal()).toBe(two.secrets.pepper.key.reveal())
    expect(one.secrets.pepper.id).not.toBe(three.secrets.pepper.id)
    expect(Buffer.from(one.secrets.pepper.key.reveal(), 'base64')).toHaveLength(32)
  })

  test('none is ever printed', async () => {
    const environment = {
      HEADGATE_ADMIN_KEY: `canary-${strong}`,
      HEADGATE_ROOT_KEY: `canary-${other}`,
      OPENAI_API_KEY: 'canary-key',
      DATABASE_URL: 'postgres://u:canary@h/d',
      REDIS_URL: 'redis://:canary@h',
      HEADGATE_PROVIDERS: '{up: {kind: openai, base_url: http://h/v1, headers: {X-Token: canary}}}',
    }
    const { config, secrets } = await load({ environment })
    expect(JSON.stringify(config) + inspect(config, { depth: 9, showHidden: true })).not.toContain('canary')
    expect(JSON.stringify(secrets) + inspect(secrets, { depth: 9, showHidden: true })).not.toContain('canary')
    expect(String(secrets.admin_key)).toBe('***')
    expect(inspect(secrets.admin_key)).toBe('***')
    expect(secrets.providers['up']?.headers['X-Token']?.reveal()).toBe('canary')
    const wrong = { ...environment, DATABASE_URL: 'canary', REDIS_URL: 'http://canary', HEADGATE_ADMIN_KEY: 'canary' }
    const faults = await faultsOf({ environment: wrong })
    expect(faults).toHaveLength(3)
    expect(faults.join()).not.toContain('canary')
  })
})
