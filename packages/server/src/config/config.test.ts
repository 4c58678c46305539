import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configurationFolder } from '../../test/support/configuration.ts'

const { faultsOf, load, path, write } = configurationFolder()

describe('sources', () => {
  test('none: the defaults, the demo provider and the shipped tiers', async () => {
    const { config, secrets } = await load()
    expect(config).toMatchObject({
      profile: 'development',
      host: '127.0.0.1',
      port: 8787,
      data_dir: path('.headgate'),
      log: { level: 'info' },
      counters: 'auto',
      trusted_proxies: [],
      timeouts: { connect_ms: 5000, first_byte_ms: 60_000, idle_ms: 60_000, total_ms: 600_000, drain_ms: 120_000 },
      providers: { demo: { kind: 'demo' } },
      tiers: { anonymous: { requests: { rate_per_minute: 20, burst: 10 } }, pro: { requests: { burst: 100 } } },
    })
    expect(secrets.admin_key).toBeUndefined()
  })

  test('each is stronger than the next', async () => {
    write('headgate.yaml', 'port: 1\nlog: {level: error}')
    expect((await load()).config.port).toBe(1)
    write('.env', 'HEADGATE_PORT=2\n')
    expect((await load()).config.port).toBe(2)
    expect((await load({ environment: { HEADGATE_PORT: '3' } })).config.port).toBe(3)
    const { config } = await load({ environment: { HEADGATE_PORT: '3' }, flags: { port: '4' } })
    expect(config.port).toBe(4)
    expect((await load({ environment: { HEADGATE_PROFILE: 'testing' } })).config.log.level).toBe('error')
    write('headgate.yaml', '')
    expect((await load({ environment: { HEADGATE_PROFILE: 'testing' } })).config.log.level).toBe('warn')
  })

  test('an empty variable is not set, and does not hide .env', async () => {
    write('.env', 'HEADGATE_PORT=2')
    expect((await load({ environment: { HEADGATE_PORT: '' } })).config.port).toBe(2)
  })

  test('flags by any spelling; another file by flag or variable', async () => {
    write('other/mine.yaml', 'host: localhost\ndata_dir: ./data')
    const byFlag = await load({ flags: { config: 'other/mine.yaml', logLevel: 'debug', '--timeouts-idle-ms': '9' } })
    expect(byFlag.config).toMatchObject({ host: 'localhost', log: { level: 'debug' }, timeouts: { idle_ms: 9 } })
    expect(byFlag.config.data_dir).toBe(path('other', 'data'))
    expect((await load({ environment: { HEADGATE_CONFIG: 'other/mine.yaml' } })).config.host).toBe('localhost')
    expect(await faultsOf({ environment: { HEADGATE_CONFIG: 'none.yaml' } })).toEqual([
      'environment HEADGATE_CONFIG: the file none.yaml cannot be read (ENOENT)',
    ])
  })

  test('lists by commas, maps by JSON, DATABASE_URL as a fall-back', async () => {
    const environment = {
      HEADGATE_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
      HEADGATE_PROVIDERS: '{"up": {"kind": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "x"}}',
      DATABASE_URL: 'postgres://a:b@h/one',
    }
    const { config, secrets } = await load({ environment })
    expect(config.trusted_proxies).toEqual(['10.0.0.0/8', '::1'])
    expect(config.providers['up']).toEqual({ kind: 'openai', base_url: 'http://127.0.0.1:1/v1' })
    expect(secrets.providers['up']?.api_key?.reveal()).toBe('x')
    expect(secrets.database_url?.reveal()).toBe('postgres://a:b@h/one')
    const own = await load({ environment: { ...environment, HEADGATE_DATABASE_URL: 'postgres://h/two' } })
    expect(own.secrets.database_url?.reveal()).toBe('postgres://h/two')
  })

  test('a part of a tier replaces that part only', async () => {
    write('headgate.yaml', 'tiers: {pro: {requests: {burst: 7}}}')
    expect((await load()).config.tiers['pro']).toEqual({
      requests: { rate_per_minute: 600, burst: 7 },
      priority: 3,
    })
  })

  test('the configuration is frozen throughout', async () => {
    write('headgate.yaml', 'trusted_proxies: [10.0.0.1]')
    const { config } = await load()
    expect(() => Object.assign(config.log, { level: 'trace' })).toThrow(TypeError)
    expect(() => (config.trusted_proxies as string[]).push('x')).toThrow(TypeError)
  })

  test('the shipped example loads', async () => {
    const example = resolve(import.meta.dirname, '../../../../headgate.example.yaml')
    write('headgate.yaml', readFileSync(example, 'utf8'))
    const { config } = await load()
    expect(Object.keys(config.providers)).toEqual(['local'])
    expect(config.models['local/small']?.price?.per_request).toBe(1_000n)
  })
})

describe('providers', () => {
  test('a key in the environment is enough; OPENAI_BASE_URL is honoured; false takes it out', async () => {
    const environment = { OPENAI_API_KEY: 'sk-one', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', GROQ_API_KEY: 'gsk' }
    const { config, secrets } = await load({ environment })
    expect(config.providers).toMatchObject({
      openai: { kind: 'openai', base_url: 'http://127.0.0.1:9/v1' },
      groq: { kind: 'openai', base_url: 'https://api.groq.com/openai/v1' },
    })
    expect(secrets.providers['openai']?.api_key?.reveal()).toBe('sk-one')
    write('headgate.yaml', 'providers: {openai: false, demo: false}')
    expect(Object.keys((await load({ environment })).config.providers)).toEqual(['groq'])
  })

  test('a key of the environment never goes to another address than its own', async () => {
    write('headgate.yaml', 'providers: {openai: {base_url: http://elsewhere.test/v1}}')
    const { config, secrets } = await load({ environment: { OPENAI_API_KEY: 'sk-one' } })
    expect(config.providers['openai']).toEqual({ kind: 'openai', base_url: 'http://elsewhere.test/v1' })
    expect(secrets.providers['openai']?.api_key).toBeUndefined()
  })

  test('Anthropic is told by its key, its name or its kind, and keeps its key to itself', async () => {
    const environment = { ANTHROPIC_API_KEY: 'sk-ant-one', OPENAI_API_KEY: 'sk-one' }
    const { config, secrets } = await load({ environment })
    expect(config.providers).toMatchObject({ anthropic: { kind: 'anthropic', base_url: 'https://api.anthropic.com' } })
    expect(secrets.providers['anthropic']?.api_key?.reveal()).toBe('sk-ant-one')
    write('headgate.yaml', 'providers: {claude: {kind: anthropic}, openai: {kind: anthropic}}')
    const stated = await load({ environment })
    expect(stated.config.providers).toMatchObject({
      claude: { kind: 'anthropic', base_url: 'https://api.anthropic.com' },
      openai: { kind: 'anthropic', base_url: 'https://api.anthropic.com' },
    })
    expect(stated.secrets.providers['openai']?.api_key).toBeUndefined()
    const moved = { ...environment, ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' }
    expect((await load({ environment: moved })).config.providers['anthropic']?.base_url).toBe('http://127.0.0.1:9')
  })

  test('the clouds are told by the variables of their own tools', async () => {
    const environment = {
      GEMINI_API_KEY: 'AIza-one',
      AZURE_OPENAI_API_KEY: 'az-one',
      AZURE_OPENAI_ENDPOINT: 'https://mine.openai.azure.com',
      OPENAI_API_VERSION: '2025-04-01-preview',
      AWS_BEARER_TOKEN_BEDROCK: 'ABSK-one',
      AWS_REGION: 'eu-central-1',
    }
    const { config, secrets } = await load({ environment })
    expect(config.providers).toMatchObject({
      gemini: { kind: 'gemini', base_url: 'https://generativelanguage.googleapis.com' },
      azure: { kind: 'azure', base_url: 'https://mine.openai.azure.com', api_version: '2025-04-01-preview' },
      bedrock: { kind: 'bedrock', base_url: 'https://bedrock-runtime.eu-central-1.amazonaws.com' },
    })
    const keys = ['gemini', 'azure', 'bedrock'].map((name) => secrets.providers[name]?.api_key?.reveal())
    expect(keys).toEqual(['AIza-one', 'az-one', 'ABSK-one'])
    expect(Object.keys((await load({ environment: { AZURE_OPENAI_API_KEY: 'az-one' } })).config.providers)).toEqual([
      'demo',
    ])
  })

  test('credentials for all of AWS make Bedrock callable only where it is named', async () => {
    const environment = {
      AWS_ACCESS_KEY_ID: 'AKID',
      AWS_SECRET_ACCESS_KEY: 'a/secret',
      AWS_SESSION_TOKEN: 'token==',
      AWS_DEFAULT_REGION: 'us-west-2',
    }
    expect((await load({ environment })).config.providers['bedrock']).toBeUndefined()
    write('headgate.yaml', 'providers: {bedrock: {}}')
    const { config, secrets } = await load({ environment })
    expect(config.providers['bedrock']?.base_url).toBe('https://bedrock-runtime.us-west-2.amazonaws.com')
    expect(secrets.providers['bedrock']?.api_key?.reveal()).toBe('AKID:a/secret:token==')
    write('headgate.yaml', 'providers: {bedrock: {base_url: https://elsewhere.test}}')
    expect((await load({ environment })).secrets.providers['bedrock']?.api_key).toBeUndefined()
  })

  test('known names need neither kind nor address; unknown ones do', async () => {
    write('headgate.yaml', 'providers:\n  groq: {api_key: x}\n  ollama: {}\n  up: {kind: openai}')
    expect(await faultsOf()).toEqual([
      'headgate.yaml:4:3: providers.up: "base_url" is missing; expected such as https://host/v1',
    ])
    write('headgate.yaml', 'providers:\n  groq: {api_key: x}\n  ollama: {}\n  vllm: {}\n  perplexity: {api_key: x}')
    expect((await load()).config.providers).toMatchObject({
      vllm: { kind: 'openai', base_url: 'http://127.0.0.1:8000/v1' },
      perplexity: { kind: 'openai', base_url: 'https://api.perplexity.ai' },
      groq: { kind: 'openai', base_url: 'https://api.groq.com/openai/v1' },
      ollama: { kind: 'ollama', base_url: 'http://127.0.0.1:11434' },
    })
  })

  test('the bounds of a provider’s concurrency do not cross', async () => {
    write(
      'headgate.yaml',
      'providers:\n  demo: {concurrency: {max: 4, initial: 5}}\n  groq: {concurrency: {max: 4, min: 9}}',
    )
    expect(await faultsOf()).toEqual([
      'headgate.yaml:2:32: providers.demo.concurrency.initial: 5 is more than max; expected at most 4',
      'headgate.yaml:3:32: providers.groq.concurrency.min: 9 is more than the limit begins with; expected at most 4',
    ])
    write('headgate.yaml', 'providers:\n  demo: {concurrency: {max: 4}}')
    expect((await load()).config.providers['demo']?.concurrency).toMatchObject({ max: 4 })
  })
})

describe('interpolation', () => {
  test('whole, embedded, with defaults, from files and .env, and escaped', async () => {
    write('.env', 'FROM_DOT_ENV=4')
    write('key.txt', 'secret-of-file\n')
    write(
      'headgate.yaml',
      [
        'port: ${env:FROM_DOT_ENV}',
        'public_url: https://${env:NAME}.test/${env:NONE:-a:-b}',
        'trusted_proxies: ${env:PROXIES}',
        'tls: ${env:NONE:-}',
        'providers: {up: {kind: openai, base_url: http://h/v1, api_key: "${file:key.txt}", headers: {X-A: "$${env:Z}"}}}',
      ].join('\n'),
    )
    const { config, secrets } = await load({ environment: { NAME: 'ai', PROXIES: '10.0.0.1,10.0.0.2' } })
    expect(config).toMatchObject({
      port: 4,
      public_url: 'https://ai.test/a:-b',
      trusted_proxies: ['10.0.0.1', '10.0.0.2'],
    })
    expect(config.tls).toBeUndefined()
    expect(secrets.providers['up']?.api_key?.reveal()).toBe('secret-of-file')
    expect(secrets.providers['up']?.headers['X-A']?.reveal()).toBe('${env:Z}')
  })

  test('missing variables and files, and unknown forms, are named with their place', async () => {
    write(
      'headgate.yaml',
      'host: ${env:HOTS}\npublic_url: ${file:none.txt}\ndata_dir: ${nothing}\ntrusted_proxies:\n  - ${env:GONE}',
    )
    expect(await faultsOf({ environment: { HOST: 'h' } })).toEqual([
      'headgate.yaml:1:1: host: the environment variable HOTS is not set (did you mean "HOST"?)',
      'headgate.yaml:2:1: public_url: the file none.txt cannot be read (ENOENT)',
      'headgate.yaml:3:1: data_dir: has a "${" that is neither ${env:NAME}, ${env:NAME:-default}, ${file:path} nor a secret such as ${vault:path#field}; write "$${" for the characters',
      'headgate.yaml:5:5: trusted_proxies: the environment variable GONE is not set',
    ])
  })

  test('what was filled in is not echoed', async () => {
    write('headgate.yaml', 'port: ${env:HIDDEN}\nmodels: {demo/demo: {price: {input: "${env:HIDDEN}", output: 1}}}')
    const faults = await faultsOf({ environment: { HIDDEN: 'canary-1234' } })
    expect(faults).toHaveLength(2)
    expect(faults.join()).not.toContain('canary')
  })
})
