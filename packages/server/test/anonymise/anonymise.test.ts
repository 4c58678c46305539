import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { command, count, folder, keys, run } from './support/runs.ts'

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

const dump = `--
-- PostgreSQL database dump
--
CREATE TABLE public.people (id uuid, email text, born date, note text); COMMENT ON TABLE public.people IS 'it''s $$'; -- that's it
CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$
INSERT INTO log VALUES (1);
$$;
COPY public.people (id, email, born, note) FROM stdin;
01890a5d-ac96-774b-bcce-b302099a8057	ada@example.org	1990-02-28	Call +49 171 1234567\\nor ada@example.org\\tnow
01890a5d-ac96-774b-bcce-b302099a8058	\\N	\\N	\\N
\\.
COPY public.orders (person, placed, amount) FROM stdin;
01890a5d-ac96-774b-bcce-b302099a8057	2024-05-01 10:00:00+00	9.50
\\.
SELECT pg_catalog.setval('s', 1);
`
const dumpPolicy = {
  ...keys,
  tables: {
    people: {
      columns: {
        id: { operator: 'pseudonym', kind: 'uuid', key: 'people' },
        email: { operator: 'pseudonym', kind: 'email', key: 'people' },
        born: { operator: 'date_shift', key: 'people', person: 'id', days: 100 },
        note: { operator: 'text', entities: { EMAIL: { operator: 'pseudonym', kind: 'email', key: 'people' } } },
      },
    },
    orders: {
      others: 'keep',
      columns: {
        person: { operator: 'pseudonym', kind: 'uuid', key: 'people' },
        placed: { operator: 'date_shift', key: 'people', person: 'person', days: 100 },
      },
    },
  },
}

describe('a dump', () => {
  it('keeps its references, moves the dates of a person alike, and comes out the same the second time where pseudonyms are', async () => {
    const { code, written, label } = await run('sql', dump, dumpPolicy)
    expect(code).toBe(0)
    const lines = (written ?? '').split('\n')
    const people = lines[8]?.split('\t') ?? []
    const order = lines[12]?.split('\t') ?? []
    expect(people[0]).toBe(order[0])
    expect(people[0]).toMatch(/^[0-9a-f]{8}-.{4}-8/)
    expect(lines[9]?.split('\t').slice(1)).toEqual(['\\N', '\\N', '\\N'])
    const days = (Date.parse(people[2] ?? '') - Date.parse('1990-02-28')) / 86_400_000
    expect(days).not.toBe(0)
    expect((Date.parse((order[1] ?? '').slice(0, 10)) - Date.parse('2024-05-01')) / 86_400_000).toBe(days)
    expect(order[1]).toMatch(/ 10:00:00\+00$/)
    // The address within the text has the same pseudonym as the column, and line ends stay escaped.
    expect(people[3]).toBe(`Call <PHONE>\\nor ${people[1]}\\tnow`)
    expect(order[2]).toBe('9.50')
    expect(written).toContain("SELECT pg_catalog.setval('s', 1);")
    expect(written).not.toMatch(/ada@|171 1234567|01890a5d/)
    expect(label).toMatchObject({
      format: 'sql',
      tables: [{ table: 'public.people', rows_read: 2, standing: 'pseudonymised', proven: null }, { rows_read: 1 }],
    })
    const again = await run('sql', written ?? '', {
      ...dumpPolicy,
      tables: {
        people: {
          columns: { id: dumpPolicy.tables.people.columns.id, email: dumpPolicy.tables.people.columns.email },
          others: 'keep',
        },
        orders: { others: 'keep', columns: {} },
      },
    })
    expect(again.written).toBe(written)
  })

  it.each([
    ['INSERT INTO people VALUES (1);\n', /Line 1: inserts rows by INSERT/],
    ['COPY people FROM stdin;\n1\n\\.\n', /Line 1: has a COPY in a form/],
    ['COPY people (id, email, born, note) FROM stdin;\n1\n\\.\n', /Line 2: has 1 cells where COPY names 4/],
    ['COPY people (id, email, born, note) FROM stdin;\n', /Line 1: begins rows that never end/],
    [`COPY people (id, email, born, note) FROM stdin;\n${'1\ta\t1.2.1990\tb'}\n\\.\n`, /Line 2: born is no date/],
    ["SELECT pg_catalog.lowrite(0, '\\x00');\n", /Line 1: writes a large object/],
  ])(
    'that would carry something past the policy, or is broken, is refused with its line: %j',
    async (text, problem) => {
      const { code, error, written, label } = await run('sql', text, dumpPolicy)
      expect([code, written, label]).toEqual([1, null, null])
      expect(error).toMatchObject({ code: 'anonymise_input_invalid', message: expect.stringMatching(problem) })
    },
  )

  it('with a table or a column that the policy does not name is refused', async () => {
    const unknown = await run('sql', 'COPY secrets (a) FROM stdin;\nx\n\\.\n', dumpPolicy)
    expect(unknown.error).toMatchObject({
      code: 'anonymise_policy_invalid',
      message: expect.stringContaining('the table secrets'),
    })
    const column = await run('csv', 'a,b\n1,2\n', { columns: { a: { operator: 'keep' } } })
    expect(column.error).toMatchObject({
      code: 'anonymise_policy_invalid',
      message: expect.stringContaining('the column b'),
    })
    const path = await run('jsonl', '{"a":{"b":1,"c":[{"d":"x"}]}}', { columns: { 'a.b': { operator: 'keep' } } })
    expect(path.error.message).toContain('the column a.c.d')
  })
})

describe('a policy', () => {
  it('is refused with the line of each fault', async () => {
    const policy = [
      'version: 1',
      'keys: {short: short.key, missing: none.key}',
      'columns:',
      '  a: {operator: custom}',
      '  b: {operator: mask, masking_char: xx, chars_to_mask: 1, from_end: true}',
      '  c: {operator: encrypt, key: short}',
      '  d: {operator: generalise, hierarchy: {widths: [10, 15]}}',
      '  e: {operator: pseudonym, key: short, colour: red}',
      '  f: {operator: generalise, level: 1, hierarchy: {rows: [[1, 3, 5], [2, 3, 6]]}}',
      'check: {k: 0}',
    ].join('\n')
    await writeFile(join(folder, 'short.key'), '1234')
    const { code, error } = await run('csv', 'a\n1\n', policy)
    expect(code).toBe(1)
    expect(error.code).toBe('anonymise_policy_invalid')
    const faults = error.details.map(
      ({ location, message }: { location: string; message: string }) => `${location.split(':').at(-2)} ${message}`,
    )
    expect(faults).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^2 keys\.missing cannot be read/),
        expect.stringMatching(/^4 columns\.a\.operator has to be one of keep, redact/),
        '5 columns.b.masking_char has to be one character',
        '6 columns.c.key has to be a key of 128, 192 or 256 bits: 16, 24 or 32 bytes',
        expect.stringMatching(/^7 .*multiples/),
        expect.stringMatching(/^8 columns\.e\.colour is not known/),
        '8 columns.e.key has to be a key of 16 bytes at least',
        '9 columns.f.hierarchy.rows.1 puts what is one at level 1 into two at level 2',
        expect.stringMatching(/^10 check\.k has to be a number from 1/),
      ]),
    )
    expect((await run('csv', 'a\n', 'version: 1\ncolumns: {a: [}')).error.message).toMatch(/:2:\d+: is not readable/)
  })
})

describe('rows that may go', () => {
  it('are taken out up to the limit, which the label tells', async () => {
    const rows = Array.from({ length: 40 }, (_, at) => `${20 + (at % 2)},a\n`).join('')
    const policy = (suppression: number) => ({
      columns: { age: { operator: 'generalise', hierarchy: { widths: [10] } }, note: { operator: 'keep' } },
      check: { k: 5, suppression },
    })
    const text = `age,note\n${rows}77,b\n`
    const kept = await run('csv', text, policy(0.05))
    expect(kept.written).toBe(`age,note\n${rows}`)
    expect(kept.label.tables[0]).toMatchObject({
      rows_read: 41,
      rows_written: 40,
      standing: 'checked',
      proven: { rows_suppressed: 1, k_found: 20, levels: { age: { level: 0, height: 2 } } },
    })
    const all = await run('csv', text, policy(0))
    expect(all.label.tables[0].proven.levels.age.level).toBe(2)
  })

  it('are counted by a check of a file as it is', async () => {
    const path = join(folder, 'check.csv')
    await writeFile(path, 'age,sex,ill\n30,f,a\n30,f,b\n40,m,a\n40,m,a\n')
    const words = ['anonymise', 'check', path, '--quasi', 'age,sex']
    const good = await command(...words, '--k', '2')
    expect([good.code, JSON.parse(good.out)]).toMatchObject([0, { ok: true, groups: 2, smallest: 2 }])
    expect((await command(...words, '--k', '3')).code).toBe(1)
    const poor = await command(...words, '--sensitive', 'ill', '--l', '2')
    expect([poor.code, JSON.parse(poor.out).models[0].found]).toEqual([1, 1])
  })
})

it('a text is searched to its end, however much is found in it', async () => {
  const text = Array.from({ length: 3_000 }, (_, number) => `p${number}@example.org`).join(' ')
  const columns = { note: { operator: 'text', entities: { EMAIL: { operator: 'redact' } } } }
  const { written } = await run('jsonl', `${JSON.stringify({ note: text })}\n`, { columns })
  expect(JSON.parse(written ?? '').note.trim()).toBe('')
})

it('numbers and quotes come through as they were, and an output is never written over', async () => {
  const text = '{"id":12345678901234567890,"n":1e400,"t":null,"u":"a\\"b","gone":"x"}\n'
  const { written } = await run('jsonl', text, { others: 'keep', columns: { gone: { operator: 'redact' } } })
  expect(written).toBe(text.replace('"x"', '""'))
  const csv = 'a,b\n"x ""y"", z","line\nend"\n'
  expect((await run('csv', csv, { others: 'keep', columns: { a: { operator: 'keep' } } })).written).toBe(csv)
  const [kept] = (await readdir(folder)).filter((name) => name.endsWith('.out.csv'))
  const words = [
    'anonymise',
    'run',
    join(folder, kept ?? ''),
    '--policy',
    join(folder, `${count}.yaml`),
    '--output',
    join(folder, kept ?? ''),
  ]
  expect((await command(...words)).error.message).toContain('is there already')
  expect((await readdir(folder)).filter((name) => name.endsWith('.new'))).toEqual([])
})

it('a stream of 30 MB goes through in bounded memory, and twice where levels are looked for', async () => {
  await writeFile(
    join(folder, 'stream.yaml'),
    JSON.stringify({
      version: 1,
      ...keys,
      columns: {
        id: { operator: 'pseudonym', key: 'people' },
        age: { operator: 'generalise', hierarchy: { widths: [10] } },
        note: { operator: 'redact' },
      },
      check: { k: 5 },
    }),
  )
  const words = [
    '--max-old-space-size=48',
    cli,
    'anonymise',
    'run',
    '-',
    '--format',
    'csv',
    '--policy',
    join(folder, 'stream.yaml'),
    '--output',
    '-',
    '--label',
    join(folder, 'stream.label.json'),
  ]
  const child = spawn(process.execPath, words, { env: { PATH: process.env['PATH'], TMPDIR: folder } })
  let written = 0
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (written += chunk.length))
  child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
  const ended = new Promise((resolve) => child.on('close', resolve))
  child.stdin.write('id,age,note\n')
  const note = 'n'.repeat(3_000)
  for (let row = 0; row < 10_000; row += 1_000) {
    const part = Array.from({ length: 1_000 }, (_, at) => `${row + at},${at % 90},${note}\n`).join('')
    if (!child.stdin.write(part)) await new Promise((resolve) => child.stdin.once('drain', resolve))
  }
  child.stdin.end()
  expect([await ended, said]).toEqual([0, ''])
  expect(written).toBeGreaterThan(200_000)
  const label = JSON.parse(await readFile(join(folder, 'stream.label.json'), 'utf8'))
  expect(label.tables[0]).toMatchObject({ rows_written: 10_000, proven: { levels: { age: { level: 0 } } } })
  expect((await readdir(folder)).filter((name) => name.startsWith('headgate-anonymise-'))).toEqual([])
}, 60_000)

describe('the guide', () => {
  const page = readFileSync(new URL('../../../../docs/guides/anonymise.md', import.meta.url), 'utf8')
  const fences = (language: string) =>
    [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
      .filter(([, name]) => name === language)
      .map(([, , text]) => text ?? '')

  it('does in its first run what it says', async () => {
    const [visits = '', policy = '', shell = ''] = [fences('csv')[0], fences('yaml')[0], fences('sh')[0]]
    const here = await mkdtemp(join(folder, 'guide-'))
    await writeFile(join(here, 'visits.csv'), visits)
    await writeFile(join(here, 'policy.yaml'), policy)
    await writeFile(join(here, 'headgate'), `#!/bin/sh\nexec ${process.execPath} ${cli} "$@"\n`, { mode: 0o755 })
    const environment = { PATH: `${here}:${process.env['PATH']}` }
    await promisify(execFile)('sh', ['-e', '-c', shell], { cwd: here, env: environment })
    const rows = (await readFile(join(here, 'visits-anonymous.csv'), 'utf8')).split('\n').map((line) => line.split(','))
    expect(rows[1]?.[0]).toBe(rows[4]?.[0])
    expect(rows[1]?.[4]).toBe(rows[4]?.[4])
    expect(rows[1]?.[5]).toBe('called from <PHONE>')
    expect(rows[3]?.slice(2, 4)).toEqual(['>=50', '819**'])
    const label = JSON.parse(await readFile(join(here, 'visits-anonymous.csv.label.json'), 'utf8'))
    expect(label.tables[0].proven).toMatchObject({ k_found: 2, levels: { age: { level: 1 }, zip: { level: 2 } } })
  }, 60_000)

  it('has policies without faults', async () => {
    const { readPolicy } = await import('../../src/cli/anonymise/policy-file.ts')
    for (const policy of fences('yaml')) {
      await writeFile(join(folder, 'of-the-guide.yaml'), policy)
      await expect(readPolicy(join(folder, 'of-the-guide.yaml'))).resolves.toBeDefined()
    }
    expect(fences('yaml')).toHaveLength(3)
  })
})
