import fc from 'fast-check'
import { expect, test } from 'vitest'
import { convert, displayed, rateAt } from './currency.ts'

const rate = { code: 'EUR', rate: 920_000_000n, date: '2026-01-01' }

test('the rate is that of the moment, and none holds before the first', () => {
  const currency = {
    code: 'EUR',
    rates: [
      { from: 200, rate: 2n, date: 'second' },
      { from: 100, rate: 1n, date: 'first' },
    ],
  }
  expect([99, 100, 199, 200].map((at) => rateAt(currency, at)?.date)).toEqual([undefined, 'first', 'first', 'second'])
})

test('an amount is converted in integers, to within half of its last place', () => {
  expect(convert(1_000_000_001n, rate)).toBe(920_000_001n)
  expect(convert(-1_000_000_000n, rate)).toBe(-920_000_000n)
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }),
      fc.bigInt({ min: 1n, max: 10n ** 13n }),
      (amount, of) => {
        const off = convert(amount, { ...rate, rate: of }) * 1_000_000_000n - amount * of
        expect(off <= 500_000_000n && off >= -500_000_000n).toBe(true)
      },
    ),
  )
})

test('every amount is shown beside what it was, unknown ones as unknown, and what was set stays as it was set', () => {
  const given = { data: [{ cost_usd: '0.5', first_usd: null, other: 1 }], rule: { limit_usd: '3' } }
  expect(displayed(given, rate)).toEqual({
    data: [{ cost_usd: '0.5', cost_display: '0.46', first_usd: null, first_display: null, other: 1 }],
    rule: { limit_usd: '3' },
    currency: { code: 'EUR', rate: '0.92', rate_date: '2026-01-01' },
  })
})
