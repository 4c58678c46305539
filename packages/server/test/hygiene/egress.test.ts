import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../support/services.ts'
import { watchEgress } from './support/egress.ts'

const walk = fileURLToPath(new URL('support/egress-walk.ts', import.meta.url))
/** Sends one packet to an address that belongs to nobody (RFC 5737). */
const stray = `const socket = require('node:dgram').createSocket('udp4'); socket.send('x', 9, '203.0.113.9', () => socket.close())`

it('nothing leaves the machine that is not configured to: start, calls, stream, error, command line, end', async () => {
  const folder = await temporaryDirectory('egress')
  const { stdout, left, by } = await watchEgress([process.execPath, walk, folder], folder)
  expect(JSON.parse(stdout)).toEqual({
    statuses: [200, 200, 200, 200, 200, 200, 404, 200, 200, 200, 200, 200],
    ended: 0,
  })
  expect(left, `watched by ${by}`).toBe(0)
}, 240_000)

it.each(['namespace', 'system calls'] as const)(
  'one packet would be noticed, by %s',
  async (by) => {
    const folder = await temporaryDirectory('egress')
    const watched = await watchEgress([process.execPath, '-e', stray], folder, by)
    expect(watched.left).toBeGreaterThan(0)
  },
  60_000,
)
