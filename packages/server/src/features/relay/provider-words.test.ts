import { describe, expect, it } from 'vitest'
import { presentable } from './provider-words.ts'

describe('the words of a provider', () => {
  it.each([
    ['Bearer abcdefghijk leaked', 'Bearer *** leaked'],
    ['Incorrect API key provided: sk-proj-abc*****xyz.', 'Incorrect API key provided: ***'],
    ['token 0123456789abcdef0123456789abcdef', 'token ***'],
    ['see http://10.1.2.3:8080/x?key=1 now', 'see (address) now'],
    ['connect 10.1.2.3:443 or [fe80::1:2:3]', 'connect (address) or (address)'],
    ['db.internal:5432 and localhost:80', '(host) and (host)'],
    ['two\nlines\u0000and\u2028more', 'two lines and more'],
    ['Retry after 10:30:00, ratio 1:2', 'Retry after 10:30:00, ratio 1:2'],
  ])('%j is shown as %j', (words, shown) => {
    expect(presentable(words)).toBe(shown)
  })

  it('are cut to one short line', () => {
    expect(presentable('word '.repeat(10_000)).length).toBeLessThanOrEqual(300)
  })
})
