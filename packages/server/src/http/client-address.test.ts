import { expect, test } from 'vitest'
import { createClientAddress } from './client-address.ts'

test('a socket that is closed already has no address, and nobody vouches for it', () => {
  for (const proxies of [[], ['127.0.0.1', '10.0.0.0/8', '::1']]) {
    expect(createClientAddress(proxies)('', { 'x-forwarded-for': '192.0.2.7' })).toBe('')
  }
})

test('the address is that of the last hop which no trusted proxy vouches past', () => {
  const find = createClientAddress(['10.0.0.0/8'])
  expect(find('::ffff:10.0.0.1', { 'x-forwarded-for': '203.0.113.9, 192.0.2.7, 10.0.0.2' })).toBe('192.0.2.7')
  expect(find('192.0.2.1', { 'x-forwarded-for': '203.0.113.9' })).toBe('192.0.2.1')
  expect(find('10.0.0.1', { 'x-forwarded-for': 'nonsense' })).toBe('10.0.0.1')
})
