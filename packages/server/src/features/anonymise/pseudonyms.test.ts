import { describe, expect, it } from 'vitest'
import { daysOf, shiftDate } from './date-shift.ts'
import { createFakes } from './fakes.ts'
import { createKeyed } from './keyed.ts'
import { createPseudonyms, type PseudonymKind } from './pseudonyms.ts'

const keyed = createKeyed(Buffer.from('a key of these tests'))
const of = (kind: PseudonymKind, keepDomain = false) =>
  createPseudonyms(keyed, { kind, keepDomain, space: kind, prefix: 'p_' })

describe('pseudonyms', () => {
  const values: readonly (readonly [PseudonymKind, string, RegExp])[] = [
    ['text', 'customer-7', /^p_[0-9a-z]{22}$/],
    ['email', 'Ada.L@example.org', /^p_[0-9a-z]{22}@pseudonym\.invalid$/],
    ['email', 'no address', /^p_[0-9a-z]{22}@pseudonym\.invalid$/],
    ['phone', '+49 (171) 123-456-78', /^\+99 \(9\d{2}\) \d{3}-\d{3}-\d{2}$/],
    ['phone', '0049 171 12345678', /^000\d \d{3} \d{8}$/],
    ['phone', '112', /^000\d{9}$/],
    [
      'uuid',
      '01890a5d-ac96-774b-bcce-b302099a8057',
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
    ],
    ['integer', '42', /^9\d{14}$/],
  ]

  it.each(values)(
    'of kind %s for %s keep their form, and stay as they are when they come again',
    (kind, value, form) => {
      const make = of(kind)
      const once = make(value)
      expect(once).toMatch(form)
      expect(once).not.toBe(value)
      expect(make(value)).toBe(once)
      expect(make(once)).toBe(once)
    },
  )

  it('are others with another key, in another space, and for another value', () => {
    const made = ['text', 'other'].flatMap((space) =>
      [keyed, createKeyed(Buffer.from('another key of these'))].flatMap((own) =>
        ['a', 'b'].map((value) =>
          createPseudonyms(own, { kind: 'text', keepDomain: false, space, prefix: 'p_' })(value),
        ),
      ),
    )
    expect(new Set(made).size).toBe(8)
  })

  it('take nothing for a pseudonym that only looks like one', () => {
    const forged = `p_${'0'.repeat(22)}`
    expect(of('text')(forged)).not.toBe(forged)
    expect(of('phone')('+99900012345')).not.toBe('+99900012345')
    expect(of('integer')('912345678901234')).not.toBe('912345678901234')
  })

  it('of addresses know no capitals, and keep the domain where asked', () => {
    expect(of('email')('ADA@Example.org')).toBe(of('email')('ada@example.org'))
    expect(of('email', true)('ada@Example.org')).toMatch(/@example\.org$/)
  })
})

describe('dates', () => {
  it('move by the same days for a person, with time and zone left', () => {
    const days = daysOf(keyed, 'ada', 30)
    expect(Math.abs(days)).toBeGreaterThan(0)
    expect(Math.abs(days)).toBeLessThanOrEqual(30)
    expect(daysOf(keyed, 'ada', 30)).toBe(days)
    expect(shiftDate('2024-02-28', 2)).toBe('2024-03-01')
    expect(shiftDate('2024-01-01 23:59:59.5+00', -1)).toBe('2023-12-31 23:59:59.5+00')
    for (const bad of ['2024-02-30', '31.12.2024', '2024-1-1', '', '2024-01-01x'])
      expect(shiftDate(bad, 1)).toBeUndefined()
  })
})

describe('fakes', () => {
  it('are the same for the same value, keep the shape where asked, and differ where they have to', () => {
    const shape = createFakes(keyed, { kind: 'shape', space: 'plate', unique: false })
    expect(shape('MÜ-AB 123')).toMatch(/^[A-Z]{2}-[A-Z]{2} \d{3}$/)
    expect(shape('x'.repeat(100))).toMatch(/^[a-z]{100}$/)
    const name = createFakes(keyed, { kind: 'name', space: 'people', unique: true })
    expect(name('a')).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+ [0-9a-z]{8}$/)
    expect(new Set(Array.from({ length: 500 }, (_, at) => name(String(at)))).size).toBe(500)
    expect(name('7')).toBe(name('7'))
  })
})
