import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { withTransparency } from '../src/cli/audit-store.ts'
import { canonicalJson, type Json } from '../src/features/audit/canonical.ts'
import { queryDatabase } from './faults/support/ledger-rows.ts'
import { freshDatabase, type TestDatabase } from './support/database.ts'
import { type House, startHouse } from './support/house.ts'
import { administer } from './support/services.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))
const verifier = fileURLToPath(new URL('../assets/audit-verifier.mjs', import.meta.url))

interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}
const run = (program: string, words: readonly string[], environment: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], HEADGATE_PROFILE: 'testing', ...environment }
    execFile(process.execPath, [program, ...words], { cwd: folder, timeout: 60_000, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    )
  })
const headgate = (url: string, ...words: string[]): Promise<Answer> =>
  run(cli, ['audit', ...words, '--json'], { HEADGATE_DATABASE_URL: url, HEADGATE_DATA_DIR: join(folder, 'commands') })

const json = async <T>(path: string, body?: object): Promise<T> => {
  const answer = await house.request(path, { ...(body && { body }) })
  expect(answer.status, await answer.clone().text()).toBeLessThan(300)
  return (await answer.json()) as T
}
interface Checkpoint {
  readonly size: string
  readonly note: string
}

let home: TestDatabase
let folder: string
let house: House
let key: string
/** The first entry is the key that an empty house makes. */
const entries = 9

beforeAll(async () => {
  home = await freshDatabase()
  folder = await mkdtemp(join(tmpdir(), 'headgate-audit-'))
  house = await startHouse({ databaseUrl: home.url, dataDirectory: join(folder, 'data') })
  for (let index = 2; index <= entries; index += 1) {
    // Some readers take this separator for the end of a line.
    await json('/admin/v1/projects', { id: `p${index}`, name: `Project\u2028${index}` })
    if (index === 5) await json('/admin/v1/audit/checkpoints', {})
  }
  const { size } = await json<Checkpoint>('/admin/v1/audit/checkpoints', {})
  if (size !== String(entries)) throw new Error(`${size} entries`)
  key = (await json<{ data: { key: string }[] }>('/admin/v1/audit/keys')).data[0]?.key as string
})
afterAll(async () => {
  await house.stop()
  await home.drop()
  await rm(folder, { recursive: true, force: true })
})

const write = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

describe('what a checkpoint proves to who has nothing but a key', () => {
  it('is that an entry is in the audit, which one, and that none was lost between two checkpoints', async () => {
    const proof = await (await house.request('/admin/v1/audit/proofs/4')).text()
    expect(proof).toMatch(
      /^c2sp\.org\/tlog-proof@v1\nextra \S+\nindex 3\n(\S{44}\n){3}\n\S+\n5\n\S{44}\n\n— \S+ \S+\n$/,
    )
    const whole = await run(verifier, ['--proof', await write('4.tlog-proof', proof), '--key', key])
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    expect(whole.stdout).toContain('"resource":"project/p4"')
    const moved = await write('moved.tlog-proof', proof.replace('index 3', 'index 2'))
    expect(await run(verifier, ['--proof', moved, '--key', key])).toMatchObject({ code: 1 })

    const consistency = await (await house.request(`/admin/v1/audit/consistency?from=5&to=${entries}`)).text()
    const file = await write('consistency.json', consistency)
    expect(await run(verifier, ['--consistency', file, '--key', key])).toMatchObject({
      code: 0,
      stdout: `the first 5 entries are the beginning of the ${entries}\n`,
    })
    const other = await write('other.json', consistency.replace(/"proof":\["./, '"proof":["A'))
    expect(await run(verifier, ['--consistency', other, '--key', key])).toMatchObject({ code: 1 })
  })

  it.each([
    ['/admin/v1/audit/proofs/999', 404],
    ['/admin/v1/audit/proofs/0', 404],
    ['/admin/v1/audit/proofs/4?size=7', 404],
    ['/admin/v1/audit/proofs/9?size=5', 404],
    ['/admin/v1/audit/proofs/4?size=x', 400],
    ['/admin/v1/audit/consistency?from=5', 400],
    ['/admin/v1/audit/consistency?from=5&to=6', 404],
    ['/admin/v1/audit/review?days=0', 400],
  ])('is nothing for %s', async (path, status) => {
    expect((await house.request(path)).status).toBe(status)
  })

  it('stands in a file of its own, line by line, as it was given out', async () => {
    const lines = (await readFile(join(folder, 'data', 'audit-checkpoints.jsonl'), 'utf8')).trimEnd().split('\n')
    const { data } = await json<{ data: Checkpoint[] }>('/admin/v1/audit/checkpoints')
    expect(lines.map((line) => (JSON.parse(line) as { note: string }).note)).toEqual(
      data.map(({ note }) => note).reverse(),
    )
  })
})

/** What a superuser does, with the triggers out of his way; `rehash` makes every hash fit again. */
const unlocked = (work: string): string =>
  `ALTER TABLE headgate.audit_entries DISABLE TRIGGER USER; ${work}; ALTER TABLE headgate.audit_entries ENABLE TRIGGER USER`
/** Gives row 7 the number 6 and row 6 the number 7, by way of a number that nobody has. */
const swapped = `UPDATE headgate.audit_entries SET seq = 100 WHERE seq = 6;
  UPDATE headgate.audit_entries SET seq = 6 WHERE seq = 7; UPDATE headgate.audit_entries SET seq = 7 WHERE seq = 100`
const headTo = (seq: number): string =>
  `UPDATE headgate.audit_head SET seq = ${seq}, chained = ${seq}, hash = (SELECT hash FROM headgate.audit_entries WHERE seq = ${seq})`

/** Everything as the command line does it, on another database, with a file of checkpoints of its own. */
const onCopy = <T>(url: string, work: Parameters<typeof withTransparency<T>>[1]): Promise<T> =>
  withTransparency(
    {
      profile: 'testing',
      'database-url': url,
      'data-dir': join(folder, 'data'),
      'audit-file': join(folder, `${new URL(url).pathname.slice(1)}.jsonl`),
    },
    work,
  )

describe('a superuser who', () => {
  let outside: string
  const verifyCopy = async (manipulate: (url: string) => Promise<unknown>) => {
    const name = `headgate_test_${randomBytes(6).toString('hex')}`
    await administer(inject('postgresUrl'), `CREATE DATABASE ${name} TEMPLATE ${home.name}`)
    const url = new URL(home.url)
    url.pathname = `/${name}`
    try {
      await manipulate(url.href)
      const notes = (await readFile(outside, 'utf8')).trimEnd().split('\n')
      const found = notes.map((line) => ({ source: 'outside', note: (JSON.parse(line) as { note: string }).note }))
      const own = await onCopy(url.href, ({ transparency }) => transparency.verify(found))
      const lines = await queryDatabase<{ line: object; hash: string }>(
        url.href,
        `SELECT jsonb_build_object('seq', seq::text, 'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'actor', actor, 'action', action, 'resource', resource, 'project', nullif(project_id, '*'), 'before', before,
           'after', after, 'request_id', request_id, 'reason', reason, 'prev_hash', encode(prev_hash, 'hex')) AS line
         FROM headgate.audit_entries ORDER BY seq`,
      )
      const exported = await write(
        `${name}-export.jsonl`,
        lines.map(({ line }) => `${canonicalJson(line as Json)}\n`).join(''),
      )
      const offline = await run(verifier, [exported, '--checkpoints', outside, '--key', key])
      return { own, offline }
    } finally {
      await administer(inject('postgresUrl'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    }
  }
  beforeAll(async () => {
    outside = await write('outside.jsonl', await readFile(join(folder, 'data', 'audit-checkpoints.jsonl'), 'utf8'))
    await house.stop()
  })

  it('does nothing is not accused', async () => {
    const { own, offline } = await verifyCopy(async () => {})
    expect(own).toEqual({ ok: true, entries: '9', checkpoints: 4, unsigned: '0', findings: [] })
    expect(offline).toMatchObject({ code: 0, stdout: '9 entries, 2 checkpoints; 0 entries are not signed yet\n' })
  })

  it.each([
    [
      'edits an entry',
      unlocked("UPDATE headgate.audit_entries SET actor = 'nobody' WHERE seq = 3"),
      /entry 3 was changed/,
    ],
    ['deletes an entry', unlocked('DELETE FROM headgate.audit_entries WHERE seq = 3'), /entry 3 is missing/],
    [
      'inserts an entry between two',
      unlocked(`UPDATE headgate.audit_entries SET seq = seq + 100 WHERE seq > 3;
        UPDATE headgate.audit_entries SET seq = seq - 99 WHERE seq > 100;
        INSERT INTO headgate.audit_entries SELECT 4, at, 'nobody', action, resource, project_id, before, after, request_id, reason, hash, hash
          FROM headgate.audit_entries WHERE seq = 3; ${headTo(10)}`),
      /entry 4 was changed/,
    ],
    ['moves two entries', unlocked(swapped), /entry 6 does not follow|entry 6 was changed/],
    [
      'cuts off the end, head, signatures and all',
      unlocked(`DELETE FROM headgate.audit_entries WHERE seq > 7;
        DELETE FROM headgate.audit_checkpoints WHERE size > 7; ${headTo(7)}`),
      /9 entries were signed, 7 are left/,
    ],
  ])('%s is found', async (_what, sql, finding) => {
    const { own, offline } = await verifyCopy((url) => queryDatabase(url, sql))
    expect(own.ok).toBe(false)
    expect(own.findings.join('\n')).toMatch(finding)
    expect(offline.code, offline.stdout).toBe(1)
  })

  it.each([
    [
      'a key of his own',
      ', headgate.audit_keys',
      /outside: the checkpoint of 5 entries is signed by no key that is trusted/,
    ],
    ['the key of the house', '', /outside: the first 5 entries are not those that were signed/],
  ])('writes everything anew, signed with %s, is found', async (_whose, keys, finding) => {
    const { own, offline } = await verifyCopy(async (url) => {
      await queryDatabase(
        url,
        `TRUNCATE headgate.audit_cosignatures, headgate.audit_checkpoints, headgate.audit_subtrees${keys};
         ${unlocked(`UPDATE headgate.audit_entries SET actor = 'nobody' WHERE seq = 3;
           UPDATE headgate.audit_entries SET prev_hash = NULL, hash = NULL`)};
         UPDATE headgate.audit_head SET chained = 0, hash = decode(repeat('00', 32), 'hex')`,
      )
      // Headgate itself chains them anew and signs them: what comes out is whole in itself.
      const anew = await onCopy(url, async ({ transparency }) => {
        await transparency.checkpoint()
        return transparency.verify([])
      })
      expect(anew).toMatchObject({ ok: true, checkpoints: 1, unsigned: '0' })
    })
    expect(own.ok).toBe(false)
    expect(own.findings.join('\n')).toMatch(finding)
    expect(offline.code, offline.stdout).toBe(1)
  })

  it('leaves a server that signs nothing more, and says why', async () => {
    await queryDatabase(home.url, unlocked("UPDATE headgate.audit_entries SET actor = 'nobody' WHERE seq = 9"))
    await queryDatabase(home.url, unlocked(`DELETE FROM headgate.audit_checkpoints WHERE size = 9`))
    const refused = await onCopy(home.url, ({ transparency }) => transparency.checkpoint()).catch((cause) => cause)
    expect(refused).toMatchObject({ code: 'audit_broken', message: expect.stringContaining('entry 9 was changed') })
  })
})

describe('at the command line', () => {
  it('the audit is exported, and verified with what was exported; an unknown entry is proven by nothing', async () => {
    const fresh = await freshDatabase()
    try {
      const target = join(folder, 'exported')
      const exported = await headgate(fresh.url, 'export', target)
      expect(exported, exported.stderr).toMatchObject({ code: 0 })
      expect(JSON.parse(exported.stdout)).toMatchObject({ entries: '1', checkpoints: 1, keys: 1 })
      const files = ['checkpoints.jsonl', 'keys.txt'].map((name) => join(target, name)) as [string, string]
      const offline = await run(verifier, [join(target, 'audit.jsonl'), '--checkpoints', files[0], '--key', files[1]])
      expect(offline).toMatchObject({ code: 0, stdout: '1 entries, 1 checkpoints; 0 entries are not signed yet\n' })
      expect(await headgate(fresh.url, 'verify', '--checkpoints', files[0])).toMatchObject({ code: 0 })
      expect(await headgate(fresh.url, 'verify', '--checkpoints', join(target, 'none'))).toMatchObject({ code: 1 })
      expect(await headgate(fresh.url, 'prove', '2')).toMatchObject({ code: 5 })
    } finally {
      await fresh.drop()
    }
  }, 60_000)
})
