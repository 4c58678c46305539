// Loaded into a gateway before everything else: names under `.test` resolve, or fail, as their first label says.
import dns from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'

const real = dns.lookup
const faults = { missing: 'ENOTFOUND', servfail: 'EAI_AGAIN', refused: 'ECONNREFUSED' }

dns.lookup = async (hostname, options) => {
  if (!hostname.endsWith('.test')) return real(hostname, options)
  const label = hostname.split('.')[0]
  if (label === 'silent') return new Promise(() => {})
  const code = faults[label] ?? 'ENOTFOUND'
  throw Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, hostname, syscall: 'getaddrinfo' })
}
syncBuiltinESMExports()
