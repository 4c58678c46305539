import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = ['contract', 'server', 'client', 'console', 'qa']
const libraries = ['fastify', 'kysely', 'pg', 'redis', 'typebox', 'undici', 'vitest', 'left-pad']
const server = 'packages/server/src'

/** A small house that obeys every rule, the legal exceptions included. */
const sound: Record<string, string> = {
  [`${server}/main.ts`]: "import './compose.ts'\nimport './config/env.ts'\n",
  [`${server}/compose.ts`]: [
    "import './features/identity/identity.ts'",
    "import './features/ledger/ledger.ts'",
    "import './features/providers/demo/call.ts'",
    "import './http/server.ts'",
    "import './kernel/db.ts'",
    "import './kernel/counters.redis.ts'",
    "import './kernel/outbound.ts'",
  ].join('\n'),
  [`${server}/config/env.ts`]:
    "import { readFileSync } from 'node:fs'\nimport '@headgate/contract/headers.ts'\nreadFileSync\n",
  [`${server}/domain/money.ts`]:
    "import type {} from '@headgate/contract/headers.ts'\nimport 'typebox'\nexport type Money = bigint\n",
  [`${server}/domain/money.test.ts`]: "import 'vitest'\nimport './money.ts'\n",
  [`${server}/kernel/db.ts`]: "import 'pg'\nimport 'kysely'\nexport type Database = { query: string }\n",
  [`${server}/kernel/route.ts`]:
    "import type { Money } from '../domain/money.ts'\nexport type Route = { access: Money }\n",
  [`${server}/kernel/counters.redis.ts`]: "import 'redis'\nimport 'node:net'\n",
  [`${server}/kernel/outbound.ts`]: "import 'undici'\nimport './route.ts'\n",
  [`${server}/http/server.ts`]:
    "import 'fastify'\nimport 'node:http'\nimport '../kernel/route.ts'\nimport '../domain/money.ts'\n",
  [`${server}/features/identity/identity.ts`]: [
    "import type { Database } from '../../kernel/db.ts'",
    "import './identity.service.ts'",
    "import './identity.store.ts'",
    "import './identity.routes.ts'",
    'export type Use = Database',
  ].join('\n'),
  [`${server}/features/identity/identity.service.ts`]:
    "import type { Row } from './identity.store.ts'\nexport type Use = Row\n",
  [`${server}/features/identity/identity.store.ts`]:
    "import '../../kernel/db.ts'\nimport 'kysely'\nexport type Row = string\n",
  [`${server}/features/identity/identity.routes.ts`]:
    "import '../../kernel/route.ts'\nimport '@headgate/contract/headers.ts'\n",
  [`${server}/features/identity/identity.test.ts`]: "import '../../../test/support/house.ts'\nimport 'node:fs'\n",
  [`${server}/features/ledger/ledger.ts`]: "import './journal.ts'\n",
  [`${server}/features/ledger/count.worker.ts`]: "import './counting.ts'\n",
  [`${server}/features/ledger/counting.ts`]: 'export const counting = 1\n',
  [`${server}/features/ledger/journal.ts`]: "import 'node:fs/promises'\n",
  [`${server}/features/providers/demo/call.ts`]: "import 'undici'\nimport '../../../domain/money.ts'\n",
  'packages/server/test/support/house.ts':
    "import '../../src/compose.ts'\nimport '@headgate/qa/upstream/upstream.ts'\n",
  'packages/contract/src/headers.ts': "import 'typebox'\nexport type Header = string\n",
  'packages/client/src/client.ts':
    "import type { Header } from '@headgate/contract/headers.ts'\nexport type Use = Header\n",
  'packages/console/src/page.ts': "import '@headgate/client/client.ts'\n",
  'packages/qa/upstream/upstream.ts':
    "import 'node:http'\nimport '@headgate/contract/headers.ts'\nimport '@headgate/client/client.ts'\n",
}

/** One violation per rule: rule, the file that commits it, what it says. */
const planted: [rule: string, file: string, text: string][] = [
  ['no-cycles', `${server}/domain/a.ts`, "import type { B } from './b.ts'\nexport type A = B\n"],
  ['no-unresolvable', `${server}/domain/lost.ts`, "import './nowhere.ts'\n"],
  [
    'feature-stays-in-feature',
    `${server}/features/ledger/nosy.ts`,
    "import type { Row } from '../identity/identity.store.ts'\nexport type Use = Row\n",
  ],
  ['feature-stays-in-feature', `${server}/features/ledger/nosy.test.ts`, "import '../identity/identity.ts'\n"],
  ['features-know-no-wiring', `${server}/features/ledger/upward.ts`, "import '../../config/env.ts'\n"],
  ['http-knows-no-feature', `${server}/http/knowing.ts`, "import '../features/ledger/ledger.ts'\n"],
  ['config-knows-no-product', `${server}/config/knowing.ts`, "import '../features/ledger/ledger.ts'\n"],
  [
    'kernel-knows-no-product',
    `${server}/kernel/proud.ts`,
    "import type { Money } from '../domain/money.ts'\nexport type Use = Money\n",
  ],
  [
    'a-route-knows-its-caller',
    `${server}/kernel/route.ts`,
    "import '../domain/money.ts'\nexport type Route = { access: string }\n",
  ],
  ['domain-is-pure', `${server}/domain/reader.ts`, "import '../kernel/db.ts'\n"],
  ['domain-is-pure', `${server}/domain/clever.ts`, "import 'left-pad'\n"],
  ['services-touch-no-edge', `${server}/features/ledger/ledger.service.ts`, "import '../../kernel/route.ts'\n"],
  ['only-stores-speak-sql', `${server}/features/ledger/ledger.rules.ts`, "import '../../kernel/db.ts'\n"],
  ['only-stores-speak-sql', `${server}/http/asking.ts`, "import 'kysely'\n"],
  ['one-door-to-the-disk', `${server}/features/ledger/diary.ts`, "import 'node:fs/promises'\n"],
  ['one-door-to-the-disk', `${server}/http/reader.ts`, "import 'fs'\n"],
  ['one-door-to-the-disk', `${server}/features/pages/reader.ts`, "import 'node:fs'\n"],
  ['one-door-out', `${server}/features/ledger/caller.ts`, "import 'undici'\n"],
  ['one-door-out', `${server}/kernel/caller.ts`, "import 'node:https'\n"],
  ['one-door-to-redis', `${server}/kernel/counters.ts`, "import 'redis'\n"],
  ['one-door-to-the-database', `${server}/features/ledger/ledger.store.ts`, "import 'pg'\n"],
  ['web-framework-stays-at-the-door', `${server}/features/ledger/handler.ts`, "import type {} from 'fastify'\n"],
  ['contract-is-the-ground', 'packages/contract/src/heavy.ts', "import 'left-pad'\n"],
  ['contract-is-the-ground', 'packages/contract/src/upward.ts', "import '../../server/src/domain/money.ts'\n"],
  [
    'client-sees-contract',
    'packages/client/src/cheat.ts',
    "import type { Money } from '@headgate/server/domain/money.ts'\nexport type Use = Money\n",
  ],
  ['client-takes-types-only', 'packages/client/src/heavy.ts', "import '@headgate/contract/headers.ts'\n"],
  ['console-sees-client', 'packages/console/src/cheat.ts', "import '@headgate/contract/headers.ts'\n"],
  ['qa-stays-outside', 'packages/qa/load/cheat.ts', "import '../../server/src/compose.ts'\n"],
  ['server-sees-contract', `${server}/features/ledger/fan.ts`, "import '@headgate/client/client.ts'\n"],
  ['server-tests-use-the-upstream', 'packages/server/test/load.test.ts', "import '@headgate/qa/load/cheat.ts'\n"],
  ['no-test-in-production', `${server}/features/ledger/fake.ts`, "import '../identity/identity.test.ts'\n"],
  ['no-test-in-production', `${server}/features/ledger/mocked.ts`, "import 'vitest'\n"],
  ['no-dead-rooms', `${server}/features/ledger/attic.ts`, 'export const attic = 1\n'],
  ['kernel-earns-its-place', `${server}/kernel/lonely.ts`, 'export const lonely = 1\n'],
]

const needed: Record<string, string> = {
  [`${server}/domain/b.ts`]: "import type { A } from './a.ts'\nexport type B = A\n",
}

interface Violation {
  from: string
  to: string
  rule: { name: string; severity: string }
}

const folders: string[] = []
const buildTree = async (files: Record<string, string>): Promise<string> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'headgate-boundaries-')))
  folders.push(folder)
  const put = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  await put('package.json', '{ "type": "module" }')
  await put(
    'tsconfig.json',
    '{ "compilerOptions": { "module": "nodenext", "allowImportingTsExtensions": true, "noEmit": true } }',
  )
  for (const name of libraries) {
    await put(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }))
    await put(`node_modules/${name}/index.js`, '')
  }
  await mkdir(join(folder, 'node_modules/@headgate'))
  for (const name of packages) {
    const exported = { './*': name === 'qa' ? './*' : './src/*' }
    await put(
      `packages/${name}/package.json`,
      JSON.stringify({ name: `@headgate/${name}`, type: 'module', exports: exported }),
    )
    await symlink(join(folder, 'packages', name), join(folder, 'node_modules/@headgate', name))
  }
  for (const [path, text] of Object.entries(files)) await put(path, text)
  return folder
}

const cruise = (folder: string): Promise<Violation[]> =>
  new Promise((resolve, reject) => {
    const command = [
      join(root, 'node_modules/.bin/depcruise'),
      '--config',
      join(root, '.dependency-cruiser.mjs'),
      '--output-type',
      'json',
      'packages',
    ]
    execFile(process.execPath, command, { cwd: folder, maxBuffer: 2 ** 26 }, (_exit, output, complaint) => {
      if (!output.startsWith('{')) return reject(new Error(complaint || output))
      resolve((JSON.parse(output) as { summary: { violations: Violation[] } }).summary.violations)
    })
  })

const describeViolation = (violation: Violation): string =>
  `${violation.rule.name}: ${violation.from} -> ${violation.to}`

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))))

describe('boundaries', () => {
  let violations: Violation[] = []
  beforeAll(async () => {
    const plants = Object.fromEntries(planted.map(([, file, text]) => [file, text]))
    violations = await cruise(await buildTree({ ...sound, ...needed, ...plants }))
  }, 60_000)

  it('lets the sound house stand', async () => {
    const found = await cruise(await buildTree(sound))
    expect(found.filter((violation) => violation.rule.severity === 'error').map(describeViolation)).toEqual([])
  }, 60_000)

  it.each(planted)('%s catches %s', (rule, file) => {
    const caught = violations.filter((violation) => violation.from === file || violation.to === file)
    expect(caught.map((violation) => violation.rule.name)).toContain(rule)
  })

  it('plants a violation for every rule', async () => {
    const { href } = new URL('../.dependency-cruiser.mjs', import.meta.url)
    const configuration = ((await import(href)) as { default: { forbidden: { name: string }[] } }).default
    expect([...new Set(planted.map(([rule]) => rule))].sort()).toEqual(
      configuration.forbidden.map((rule) => rule.name).sort(),
    )
  })

  it('blames no file of the sound house', () => {
    const plants = planted.map(([, file]) => file)
    const innocent = Object.keys(sound).filter((file) => !plants.includes(file))
    const blamed = violations.filter(
      (violation) => violation.rule.severity === 'error' && innocent.includes(violation.from),
    )
    expect(blamed.filter((violation) => violation.rule.name !== 'no-dead-rooms').map(describeViolation)).toEqual([])
  })
})
