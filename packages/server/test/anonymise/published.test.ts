import { describe, expect, it } from 'vitest'
import arx from '../../src/features/anonymise/__fixtures__/arx.json' with { type: 'json' }
import presidio from '../../src/features/anonymise/__fixtures__/presidio.json' with { type: 'json' }
import { keys, run } from './support/runs.ts'

const table = (rows: readonly (readonly string[])[]) => rows.map((row) => `${row.join(';')}\n`).join('')

describe('the published examples of ARX', () => {
  it.each(arx.published)('$name', async ({ table: name, generalise, check, expected }) => {
    const data = arx[name as 'people' | 'illnesses']
    const hierarchies = data.hierarchies as Record<string, string[][]>
    const resolved = JSON.parse(
      JSON.stringify(check).replace('"rows":"disease"', `"rows":${JSON.stringify(arx.illnesses.disease)}`),
    )
    const policy = {
      others: 'keep',
      columns: Object.fromEntries(
        generalise.map((column) => [column, { operator: 'generalise', hierarchy: { rows: hierarchies[column] } }]),
      ),
      check: resolved,
    }
    const { code, written, label } = await run('csv', table([data.heading, ...data.rows]), policy, '--delimiter', ';')
    expect(code).toBe(0)
    expect(written).toBe(table([data.heading, ...expected]))
    expect(label.tables[0].proven).toMatchObject({ k_asked: check.k, rows_suppressed: 0 })
    expect(label.tables[0].proven.k_found).toBeGreaterThanOrEqual(check.k)
  })

  it(`${arx.refused.name}: levels that do not reach k are refused, and nothing is written`, async () => {
    const { people, refused } = arx
    const policy = {
      columns: Object.fromEntries(
        people.heading.map((column) => [
          column,
          {
            operator: 'generalise',
            hierarchy: { rows: people.hierarchies[column as 'age'].map(([value]) => [value]) },
          },
        ]),
      ),
      check: { k: refused.k },
    }
    const { code, error, written, label } = await run(
      'csv',
      table([people.heading, ...people.rows]),
      policy,
      '--delimiter',
      ';',
    )
    expect([code, error.code, written, label]).toEqual([1, 'anonymise_out_of_reach', null, null])
  })
})

describe('the published examples of Presidio', () => {
  it.each(presidio.texts)('$name', async ({ text, findings, entities, expected }) => {
    const policy = {
      ...keys,
      columns: {
        text: { operator: 'text', findings: 'analyzer_results', entities: entities ?? {} },
        analyzer_results: { operator: 'redact' },
      },
    }
    const { written, code } = await run('jsonl', `${JSON.stringify({ text, analyzer_results: findings })}\n`, policy)
    expect(code).toBe(0)
    expect(JSON.parse(written ?? '').text).toBe(expected)
  })

  it('mask', async () => {
    for (const [text, character, length, fromEnd, expected] of presidio.mask) {
      const rule = { operator: 'mask', masking_char: character, chars_to_mask: length, from_end: fromEnd }
      const { written } = await run('jsonl', JSON.stringify({ text }), { columns: { text: rule } })
      expect(JSON.parse(written ?? '')).toEqual({ text: expected })
    }
  })

  it('hash, and encrypt there and back', async () => {
    for (const [text, type, expected] of presidio.hash) {
      const { written } = await run('jsonl', JSON.stringify({ text }), {
        columns: { text: { operator: 'hash', hash_type: type } },
      })
      expect(JSON.parse(written ?? '')).toEqual({ text: expected })
    }
    const there = await run('csv', 'name\nChloë\n', { ...keys, columns: { name: { operator: 'encrypt', key: 'aes' } } })
    expect(there.written).not.toContain('Chlo')
    const back = await run('csv', there.written ?? '', {
      ...keys,
      columns: { name: { operator: 'decrypt', key: 'aes' } },
    })
    expect(back.written).toBe('name\nChloë\n')
    const wrong = await run('csv', there.written ?? '', {
      keys: { aes: 'people16.key' },
      columns: { name: { operator: 'decrypt', key: 'aes' } },
    })
    expect(wrong.error.code).toBe('anonymise_policy_invalid')
  })
})
