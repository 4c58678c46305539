// Loaded into a gateway before everything else: names under `.test` resolve, or fail, as their first label says.
import dns from 'node:dns'

const real = dns.lookup
const faults = { missing: 'ENOTFOUND', servfail: 'EAI_AGAIN', refused: 'ECONNREFUSED' }

dns.lookup = (hostname, options, callback) => {
  if (!hostname.endsWith('.test')) return real(hostname, options, callback)
  const label = hostname.split('.')[0]
  if (label === 'silent') return undefined
  const code = faults[label] ?? 'ENOTFOUND'
  const fault = Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), { code, hostname, syscall: 'getaddrinfo' })
  return void setTimeout(callback, 5, fault)
}
