import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RegisteredKey } from '@headgate/contract/key-lifecycle.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { adminKey, type House, startHouse } from '../support/house.ts'

const page = fileURLToPath(new URL('../../../../docs/runbooks/rotate-keys.md', import.meta.url))
const program = fileURLToPath(new URL('../../src/cli/program.ts', import.meta.url))
const rootKey = 'Vd5jX8qNc2Zt6Gw9Lr4Hs7Kb3My1PfUe'

/** Every command of the page, in its order, with the heading it stands under. */
const commands = readFileSync(page, 'utf8')
  .split(/^## /m)
  .flatMap((section) => {
    const heading = section.startsWith('#') ? 'what is due' : (section.split('\n', 1)[0] as string)
    return [...section.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, text]) =>
      (text as string)
        .trim()
        .split('\n')
        .map((line) => ({ heading, line })),
    )
  })

let house: House
let folder: string
let script: string
const names: Record<string, string> = {}
const id = async (path: string, body: object): Promise<string> =>
  ((await (await house.request(path, { body })).json()) as { id: string }).id

beforeAll(async () => {
  house = await startHouse({ environment: { HEADGATE_ROOT_KEY: rootKey } })
  folder = await mkdtemp(join(tmpdir(), 'headgate-runbook-'))
  await writeFile(join(folder, '.curlrc'), 'fail-with-body\nsilent\nshow-error\n')
  await writeFile(join(folder, 'new-provider.key'), 'sk-the-next-key-of-the-provider\n')
  names['KEY_ID'] = (await house.makeKey({ name: 'of the runbook' })).id
  names['OPERATOR_ID'] = await id('/admin/v1/operators', { name: 'Night shift', role: 'support' })
  names['SESSION_ID'] = await id('/admin/v1/sessions', { operator: names['OPERATOR_ID'] })
  names['PROVIDER'] = 'stored'
  await id('/admin/v1/providers', { name: 'stored', base_url: `${house.upstream.url}/v1`, api_key: 'sk-the-first-key' })
  // One process runs all commands of the page, those of curl by a shell, and says after each how it ended.
  script = join(folder, 'commands.mjs')
  await writeFile(
    script,
    `import { spawnSync } from 'node:child_process'
     const { runCli } = await import(${JSON.stringify(`file://${program}`)})
     for (const command of JSON.parse(process.env.COMMANDS)) {
       process.exitCode = 0
       const run = async () => Array.isArray(command) ? runCli(command) : spawnSync('sh', ['-c', command], { stdio: 'inherit' }).status
       let code = await run()
       // 4: PostgreSQL did not answer in time; a slow machine is no fault of the page.
       for (let turn = 0; code === 4 && turn < 3; turn++) code = await run()
       console.error('\\nENDED ' + code)
     }
     process.exitCode = 0`,
  )
})
afterAll(async () => {
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

const environment = () => ({
  PATH: process.env['PATH'],
  ...names,
  CURL_HOME: folder,
  HEADGATE: house.url,
  HEADGATE_PROFILE: 'testing',
  HEADGATE_ADMIN_KEY: adminKey,
  HEADGATE_DATABASE_URL: house.databaseUrl,
  HEADGATE_DATA_DIR: house.dataDirectory,
  HEADGATE_PORT: '0',
  HEADGATE_ROOT_KEY: rootKey,
})
const wordsOf = (line: string): string[] =>
  (line.replace(/\s+#.*$/, '').match(/"[^"]*"|\S+/g) ?? [])
    .slice(1)
    .map((word) => word.replaceAll('"', '').replace(/\$(\w+)/g, (_, name: string) => names[name] ?? name))

/** How each command ended, and all that was said. */
const runAll = (): Promise<{ codes: number[]; said: string }> =>
  new Promise((resolve) => {
    const asked = commands.map(({ line }) => (line.startsWith('headgate ') ? wordsOf(line) : line))
    const env = { ...environment(), COMMANDS: JSON.stringify(asked) }
    execFile(process.execPath, [script], { cwd: folder, env, timeout: 110_000 }, (_error, stdout, stderr) =>
      resolve({ codes: [...stderr.matchAll(/^ENDED (.*)$/gm)].map(([, code]) => Number(code)), said: stdout + stderr }),
    )
  })

it('names every kind of key of the register', () => {
  const headings = new Set(commands.map(({ heading }) => heading))
  expect(headings.size).toBeGreaterThanOrEqual(10)
  expect(commands.every(({ line }) => /^(headgate|curl) /.test(line))).toBe(true)
})

it('has no command that fails, and does what it says', async () => {
  const { codes, said } = await runAll()
  expect(
    commands.flatMap(({ line }, index) => (codes[index] === 0 ? [] : [`${line}: ${codes[index]}`])),
    said,
  ).toEqual([])
  const list = async (kind: string) =>
    (
      (await (await house.request(`/admin/v1/key-lifecycle?limit=100&kind=${kind}`)).json()) as {
        data: RegisteredKey[]
      }
    ).data
  const states = async (kind: string) => (await list(kind)).map(({ state }) => state)
  expect((await list('api_key')).find(({ id: one }) => one === names['KEY_ID'])?.state).toBe('revoked')
  expect(await states('pepper')).toEqual(['destroyed', 'active'])
  expect(await states('encryption_key')).toEqual(['destroyed', 'active'])
  expect(await states('audit_key')).toContain('deactivated')
  expect(await states('provenance_root')).toEqual(['revoked', 'active'])
  expect(await states('operator_session')).toEqual(['revoked'])
  expect(await states('user_secret')).toEqual([])
  const roots = await (await fetch(`${house.url}/v1/provenance/roots`)).text()
  expect(roots.match(/BEGIN CERTIFICATE/g)).toHaveLength(1)
}, 120_000)
