import { describe, expect, test } from 'vitest'
import { configurationFolder } from '../../test/support/configuration.ts'

const { faultsOf, load, write } = configurationFolder()
const keys = (value: string): string => Array.from({ length: 200 }, (_, n) => `k${n}: ${value}`).join()

describe('faults', () => {
  test('all at once, each with its place and the nearest right name', async () => {
    write('.env', '# comment\nHEADGATE_HSOT=x\nHEADGATE_BODY_MAX_BYTES=-1')
    write(
      'headgate.yaml',
      [
        'prot: 1',
        'timeouts:',
        '  conect_ms: 5',
        '  idle_ms: soon',
        'connect_ms: 5',
        'log: {level: wran}',
        'trusted_proxies:',
        '  - 10.0.0.0/8',
        '  - 10.0.0.0/99',
        'tls: {cert: none.pem}',
        'providers: {Up: {kind: openai}}',
        'stream: 7',
        'host: 12',
        'ollama_autodetect: yes',
      ].join('\n'),
    )
    const faults = await faultsOf({ environment: { HEADGATE_PORT: '65536' }, flags: { 'data-dri': 'x' } })
    for (const fault of [
      'flag --data-dri: there is no such flag (did you mean "data-dir"?)',
      '.env:2 HEADGATE_HSOT: is not a variable of Headgate (did you mean "HEADGATE_HOST"?)',
      'environment HEADGATE_PORT: port: is 65536; expected a whole number from 0 to 65535',
      '.env:3 HEADGATE_BODY_MAX_BYTES: body.max_bytes: is -1; expected a whole number from 1 to 1000000000000',
      'headgate.yaml:1:1: prot: there is no such option (did you mean "port"?)',
      'headgate.yaml:3:3: timeouts.conect_ms: there is no such option (did you mean "connect_ms"?)',
      'headgate.yaml:4:3: timeouts.idle_ms: is "soon"; expected a whole number from 1 to 86400000',
      'headgate.yaml:5:1: connect_ms: there is no such option (did you mean "timeouts.connect_ms"?)',
      'headgate.yaml:6:7: log.level: is "wran"; expected one of trace, debug, info, warn, error, fatal, silent (did you mean "warn"?)',
      'headgate.yaml:9:5: trusted_proxies.1: "10.0.0.0/99" has a wrong prefix length; expected an IP address or a range such as 10.0.0.0/8',
      'headgate.yaml:10:1: tls: "key" is missing; expected a readable file',
      'headgate.yaml:11:13: providers.Up: is no possible name; expected a name that matches ^[a-z0-9][a-z0-9_-]{0,63}$',
      'headgate.yaml:12:1: stream: is 7; expected a map',
      'headgate.yaml:13:1: host: is 12; expected a text (in quotes where it looks like a number)',
      'headgate.yaml:14:1: ollama_autodetect: is "yes"; expected true or false',
    ]) {
      expect(faults).toContain(fault)
    }
    expect(faults.some((fault) => fault.startsWith('headgate.yaml:10:7: tls.cert:') && fault.includes('ENOENT'))).toBe(
      true,
    )
    expect(faults).toHaveLength(16)
    const places = faults.map((fault) => /^[^ ]*/.exec(fault)?.[0])
    expect(places.slice(0, 5)).toEqual(['.env:2', '.env:3', 'environment', 'flag', 'headgate.yaml:1:1:'])
    expect(places.at(-1)).toBe('headgate.yaml:14:1:')
  })

  test('broken YAML, doubled keys, unknown tags, odd keys and alias bombs', async () => {
    for (const [text, start] of [
      ['port: 1\nport: 2', 'headgate.yaml:2:1: a key is given twice'],
      ['log: {level: info', 'headgate.yaml:1:18: is not readable YAML'],
      ['host: !!js/function x', 'headgate.yaml:1:7: is not readable YAML'],
      ['? [a, b]\n: 1', 'headgate.yaml:1:3: has a key that is no name'],
      ['- port', 'headgate.yaml:1:1: must be a map of options'],
      ['host: *none', 'headgate.yaml:1:7:'],
      [`a: &a {${keys('1')}}\nb: &b {${keys('*a')}}\nc: {x: *b}`, 'headgate.yaml:'],
    ] as const) {
      write('headgate.yaml', text)
      const faults = await faultsOf()
      expect(
        faults.some((fault) => fault.startsWith(start)),
        `${text.slice(0, 40)} → ${faults[0]}`,
      ).toBe(true)
    }
  })

  test('names that reach prototypes are refused and reach nothing', async () => {
    write(
      'headgate.yaml',
      'log:\n  __proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\nmodels: {prototype: 1}',
    )
    const faults = await faultsOf({ environment: { HEADGATE_PROVIDERS: '{"__proto__": {"polluted": 1}}' } })
    expect(faults).toEqual([
      'environment HEADGATE_PROVIDERS:1:2: providers: the name "__proto__" is refused',
      'headgate.yaml:2:3: log: the name "__proto__" is refused',
      'headgate.yaml:3:1: the name "constructor" is refused',
      'headgate.yaml:4:10: models: the name "prototype" is refused',
    ])
    expect('polluted' in {}).toBe(false)
  })

  test('a price for a provider that nobody knows', async () => {
    write('headgate.yaml', 'models:\n  opnai/gpt-4o: {price: {input: 1, output: 2}}')
    expect(await faultsOf()).toEqual([
      'headgate.yaml:2:3: models."opnai/gpt-4o": there is no provider "opnai" (did you mean "openai/gpt-4o"?)',
    ])
  })

  test('a date that no calendar has, a time named twice, and what is no date', async () => {
    const price = '{input: 1, output: 2}'
    const dates = ['2026-02-30', '2026-03-01', '2026-03-01T00:00Z', 'soon']
    write(
      'headgate.yaml',
      `models:\n  demo/demo:\n    prices:\n${dates.map((date) => `      ${date}: ${price}`).join('\n')}`,
    )
    expect((await faultsOf()).map((fault) => fault.slice(0, 90))).toEqual([
      expect.stringContaining('models."demo/demo".prices.soon: is no possible name'),
    ])
    write(
      'headgate.yaml',
      `models:\n  demo/demo:\n    prices:\n${dates
        .slice(0, 3)
        .map((date) => `      ${date}: ${price}`)
        .join('\n')}`,
    )
    expect(await faultsOf()).toEqual([
      expect.stringContaining('prices.2026-02-30: is no day of the calendar'),
      expect.stringContaining('prices."2026-03-01T00:00Z": is the same time as another of these'),
    ])
  })

  test('a currency without rates, and one that is none', async () => {
    write('headgate.yaml', 'currency: {code: EUR}')
    expect(await faultsOf()).toEqual([expect.stringContaining('currency: has a code and no rates')])
    write('headgate.yaml', 'currency: {code: euro, rates: {2026-01-01: 0.92}}')
    expect(await faultsOf()).toEqual([expect.stringContaining('"euro" is no code of a currency')])
  })

  test('rows of the ledger that would stay for less than a year', async () => {
    write('headgate.yaml', 'retention: {ledger_months: 11}')
    expect(await faultsOf()).toEqual([
      'headgate.yaml:1:13: retention.ledger_months: is 11; expected 0 for ever, or 12 months and more',
    ])
  })

  test('what Kubernetes makes for a service named headgate is left alone', async () => {
    const environment = {
      HEADGATE_PORT: 'tcp://10.0.0.1:8787',
      HEADGATE_SERVICE_HOST: '10.0.0.1',
      HEADGATE_SERVICE_PORT_HTTP: '8787',
      HEADGATE_PORT_8787_TCP_ADDR: '10.0.0.1',
    }
    expect((await load({ environment })).config.port).toBe(8787)
  })
})

describe('money', () => {
  const priceOf = async (literal: string): Promise<bigint | undefined> => {
    write('headgate.yaml', `models: {demo/demo: {price: {input: ${literal}, output: 0}}}`)
    return (await load()).config.models['demo/demo']?.price?.input
  }

  test.each([
    ['0.1', 100_000_000n],
    ['1e-7', 100n],
    ['"2.50"', 2_500_000_000n],
    ['0.000000001', 1n],
    ['0', 0n],
    ['15', 15_000_000_000n],
    ['123456.123456789', 123_456_123_456_789n],
    ['0.10000000000000000000', 100_000_000n],
  ])('%s is read exactly', async (literal, nano) => {
    expect(await priceOf(literal)).toBe(nano)
  })

  test.each([
    '0.0000000001',
    '-1',
    '"1,50"',
    'true',
    '.inf',
    '0x10',
    '1e99',
    '"$1"',
    '[1]',
    '1.0000000000000000000000000000001',
  ])('%s is refused', async (literal) => {
    write('headgate.yaml', `models: {demo/demo: {price: {input: ${literal}, output: 0}}}`)
    const faults = await faultsOf()
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(
      /^headgate\.yaml:1:30: models\."demo\/demo"\.price\.input: .*expected USD as a decimal number/,
    )
  })

  test('from the environment too', async () => {
    const { config } = await load({
      environment: { HEADGATE_MODELS: '{"demo/demo": {"price": {"input": 0.1, "output": 1e-9}}}' },
    })
    expect(config.models['demo/demo']?.price).toEqual({ input: 100_000_000n, output: 1n })
  })
})
