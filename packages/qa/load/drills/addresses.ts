import type { Seen } from '../caller.ts'
import type { Drill } from '../drill.ts'
import type { House, Settings } from '../house.ts'
import type { Report } from '../report.ts'

/** The hop that is believed; what comes from elsewhere on loopback is not. */
const PROXY = '127.0.0.2'
/** A neighbour without trust whose own address is denied. */
const DENIED = '127.0.0.3'
const ADDRESS_BURST = 5

export const addressSettings: Settings = {
  trusted_proxies: [PROXY],
  limits: {
    per_ip: { rate_per_minute: 1, burst: ADDRESS_BURST },
    access: {
      default: 'allow',
      deny: ['203.0.113.0/24', '2001:db8:1:2::/64', DENIED],
      allow: ['203.0.113.7'],
      deny_countries: ['AU'],
    },
  },
}

const run = async (house: House, report: Report): Promise<void> => {
  const { key } = await house.makeKey()
  let made = 0
  const ask = (from: string, forwarded: string | null, secret = key) =>
    house.caller.call({
      replica: made % house.replicas,
      key: secret,
      model: 'up/gpt-4o-mini',
      id: `address-${made++}`,
      from,
      ...(forwarded !== null && { headers: { 'x-forwarded-for': forwarded } }),
    })
  const tell = ({ status, code }: Seen) => `${status}${code === null ? '' : ` ${code}`}`
  /** The same from every replica, or all that was told. */
  const told = async (from: string, forwarded: string | null) => {
    const answers = new Set<string>()
    for (let replica = 0; replica < house.replicas; replica++) answers.add(tell(await ask(from, forwarded)))
    return [...answers].join(', ')
  }

  report.exactly('through the proxy: an address of nobody', await told(PROXY, '8.8.8.8'), '200')
  report.exactly('through the proxy: a denied range', await told(PROXY, '203.0.113.9'), '403 address_denied')
  report.exactly('through the proxy: the one allowed address in it', await told(PROXY, '203.0.113.7'), '200')
  report.exactly('through the proxy: a denied /64', await told(PROXY, '2001:db8:1:2:ffff::1'), '403 address_denied')
  report.exactly('through the proxy: the /64 beside it', await told(PROXY, '2001:db8:1:3::1'), '200')
  report.exactly('through the proxy: a denied country', await told(PROXY, '1.1.1.1'), '403 country_denied')
  report.exactly(
    'through the proxy: a claim before the true hop',
    await told(PROXY, '8.8.8.8, 203.0.113.9'),
    '403 address_denied',
  )
  report.exactly('straight: claims a denied address', await told('127.0.0.1', '203.0.113.9'), '200')
  report.exactly('straight: claims a denied country', await told('127.0.0.1', '1.1.1.1'), '200')
  report.exactly('straight from a denied address', await told(DENIED, null), '403 address_denied')
  report.exactly(
    'straight from a denied address: claims an allowed one',
    await told(DENIED, '203.0.113.7'),
    '403 address_denied',
  )

  /** How many strangers of addresses that `of` names are heard before they are told to wait. */
  const heard = async (from: string, of: (number: number) => string) => {
    let count = 0
    for (let number = 0; number < ADDRESS_BURST * 3; number++) {
      const { status } = await ask(from, of(number), 'hg_sk_nobody')
      if (status === 401) count++
    }
    return count
  }
  report.atMost(
    'straight: another claim each time, strangers heard',
    await heard('127.0.0.4', (number) => `8.8.8.${number}`),
    ADDRESS_BURST + 1,
  )
  report.atMost(
    'through the proxy: another address of one /64 each time',
    await heard(PROXY, (number) => `2001:db8:9:9::${number + 1}`),
    ADDRESS_BURST + 1,
  )
  report.exactly(
    'through the proxy: another /64 each time',
    await heard(PROXY, (number) => `2001:db8:8:${number + 1}::1`),
    ADDRESS_BURST * 3,
  )
}

export const addresses: Drill = {
  name: 'addresses',
  about:
    'what callers claim of their address changes nothing; denied ranges and countries are told so, by every replica',
  replicas: 3,
  backends: ['redis'],
  seconds: 1,
  config: () => addressSettings,
  run,
}
