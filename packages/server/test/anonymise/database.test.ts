import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyDatabase, freshDatabase, type TestDatabase } from '../support/database.ts'
import { command, folder, keys } from './support/runs.ts'

let shop: TestDatabase
let own: TestDatabase

const ask = async (url: string, text: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

const policy = {
  version: 1,
  ...keys,
  tables: {
    orders: { others: 'keep', columns: { person: { operator: 'pseudonym', kind: 'uuid', key: 'people' } } },
    people: {
      columns: {
        id: { operator: 'pseudonym', kind: 'uuid', key: 'people' },
        mail: { operator: 'pseudonym', kind: 'email', key: 'people' },
        age: { operator: 'keep' },
      },
      check: { k: 2, quasi: ['age'], suppression: 0.5 },
    },
  },
}

beforeAll(async () => {
  shop = await emptyDatabase()
  own = await freshDatabase()
  await ask(
    shop.url,
    `CREATE TABLE people (id uuid PRIMARY KEY, mail text UNIQUE, age integer, shown text GENERATED ALWAYS AS (mail || '!') STORED);
     CREATE TABLE orders (number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person uuid REFERENCES people, note text);
     INSERT INTO people (id, mail, age) SELECT gen_random_uuid(), 'p' || n || '@example.org', 20 + n / 2 FROM generate_series(0, 9) n;
     INSERT INTO orders (person, note) SELECT id, E'a\\tb\\\\ ' || mail FROM people`,
  )
  await writeFile(join(folder, 'shop.json'), JSON.stringify(policy))
  await writeFile(join(folder, 'shop.url'), shop.url)
})
afterAll(async () => {
  await shop.drop()
  await own.drop()
})

const words = () => [
  'anonymise',
  'database',
  '--policy',
  join(folder, 'shop.json'),
  '--url-file',
  join(folder, 'shop.url'),
]

describe('a database', () => {
  it('is read into a dump, those first that others refer to, and stays as it is', async () => {
    const output = join(folder, 'shop.sql')
    const { code, error } = await command(...words(), '--output', output)
    expect([code, error]).toEqual([0, undefined])
    const dump = await readFile(output, 'utf8')
    expect(dump.indexOf('"people"')).toBeLessThan(dump.indexOf('"orders"'))
    expect(dump).toMatch(/\ta\\tb\\\\ p0@example\.org\n/)
    expect(dump).toMatch(/@pseudonym\.invalid\t20\n/)
    const label = JSON.parse(await readFile(`${output}.label.json`, 'utf8'))
    expect(label.tables).toMatchObject([
      { table: 'public.people', rows_written: 10, proven: { k_found: 2 } },
      { table: 'public.orders' },
    ])
    expect(await ask(shop.url, "SELECT count(*)::integer AS n FROM people WHERE mail LIKE '%@example.org'")).toEqual([
      { n: 10 },
    ])
  })

  it('is written over only where its name is said, all of it or nothing', async () => {
    const inPlace = [...words(), '--in-place', '--label', join(folder, 'in-place.json')]
    const unconfirmed = await command(...inPlace)
    expect(unconfirmed.error.message).toContain(`--confirm ${shop.name}`)
    expect((await command(...words(), '--in-place', '--confirm', shop.name)).error.message).toContain(
      'needs --url-file and --label',
    )
    expect(await ask(shop.url, "SELECT count(*)::integer AS n FROM people WHERE mail LIKE '%@example.org'")).toEqual([
      { n: 10 },
    ])

    const twice = {
      ...policy,
      tables: { people: { others: 'keep', columns: { mail: { operator: 'replace', new_value: 'x' } } } },
    }
    await writeFile(join(folder, 'twice.json'), JSON.stringify(twice))
    const failed = await command(...inPlace, '--confirm', shop.name, '--policy', join(folder, 'twice.json'))
    expect(failed.error.message).toMatch(/violates|unique/)
    expect(await ask(shop.url, 'SELECT count(DISTINCT mail)::integer AS n FROM people')).toEqual([{ n: 10 }])

    const { code, error } = await command(...inPlace, '--confirm', shop.name)
    expect([code, error]).toEqual([0, undefined])
    expect(
      await ask(
        shop.url,
        "SELECT count(*)::integer AS n FROM orders JOIN people ON person = id WHERE mail LIKE '%@pseudonym.invalid' AND shown = mail || '!'",
      ),
    ).toEqual([{ n: 10 }])
    expect(JSON.parse(await readFile(join(folder, 'in-place.json'), 'utf8')).tables).toHaveLength(2)
  })

  it('of Headgate has a policy by its data map', async () => {
    await ask(
      own.url,
      "INSERT INTO headgate.projects (project_id, name, created_at) VALUES ('shop', 'The shop', now()); INSERT INTO headgate.conversation_owners (project_id, subject, sessions, bytes, last_change, forgotten_change) VALUES ('shop', 'ada@example.org', 1, 2, 1, 0)",
    )
    const printed = await command('anonymise', 'policy', '--database-url', own.url)
    expect(printed.code).toBe(0)
    await writeFile(join(folder, 'own.yaml'), printed.out)
    const output = join(folder, 'own.sql')
    const made = await command(
      'anonymise',
      'database',
      '--database-url',
      own.url,
      '--policy',
      join(folder, 'own.yaml'),
      '--output',
      output,
    )
    expect([made.code, made.error]).toEqual([0, undefined])
    const dump = await readFile(output, 'utf8')
    expect(dump).toMatch(/^shop\tp_[0-9a-z]{22}\t/m)
    expect(dump).not.toContain('ada@')
    expect(dump).not.toContain('api_key_secrets')
  })
})
