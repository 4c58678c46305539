import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mintKey, mintPublicId } from '../packages/server/src/features/identity/key-secret.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const feature = 'packages/server/src/features/planted'

/** Every plant: the file, what it says, and the words by which each check must name it. */
const plants: Record<string, { text: string; caught: Record<string, string[]> }> = {
  [`${feature}/neighbour.ts`]: {
    text: "import type { Part } from '../planted-too/part.ts'\nexport type Use = Part\n",
    caught: { boundaries: ['feature-stays-in-feature'] },
  },
  'packages/server/src/features/planted-too/part.ts': { text: 'export type Part = string\n', caught: {} },
  [`${feature}/refuse.ts`]: {
    text: "import { AppError } from '../../kernel/errors.ts'\nexport const refuse = () => new AppError('never_catalogued')\n",
    caught: { types: ['TS2345'], catalogue: ['never_catalogued is not in the catalogue'] },
  },
  [`${feature}/planted.routes.ts`]: {
    text: [
      "import { defineRoute } from '../../kernel/route.ts'",
      "export const route = defineRoute({ method: 'GET', path: '/planted', summary: 'Open to all.', handle: () => null })",
    ].join('\n'),
    caught: { types: ['TS2345'], architecture: ["must declare access: 'public', 'caller' or 'admin'"] },
  },
  'packages/server/migrations/9998-planted.sql': {
    text: '-- owner: planted-too\ncreate table headgate.planted_rows (id text primary key);\n',
    caught: {},
  },
  'packages/server/migrations/9998-twin.sql': {
    text: '-- owner: planted-too\n',
    caught: { architecture: ['has the number of packages/server/migrations/9998-planted.sql'] },
  },
  'packages/server/migrations/9999-nobody.sql': {
    text: 'create table headgate.orphans (id text primary key);\n',
    caught: { architecture: ['line 1 must read'] },
  },
  [`${feature}/planted.store.ts`]: {
    text: "export const statements = ['select * from headgate.planted_rows', `delete from planted_rows where id = ${'x'}`]\n",
    caught: { architecture: ['planted.store.ts:1: headgate.planted_rows belongs to planted-too'] },
  },
  [`${feature}/utils.ts`]: {
    text: 'export const two = 2\n',
    caught: { architecture: ['name the file for what it holds'] },
  },
  [`${feature}/silenced.ts`]: {
    text: `// ${'oxlint-disable'}-next-line no-console\nconsole.log(1)\n`,
    caught: { directives: ['needs its reason'] },
  },
  [`${feature}/long.ts`]: { text: 'export const line = 1\n'.padEnd(400, '\n'), caught: { lint: ['max-lines'] } },
  [`${feature}/barrel.ts`]: { text: "export * from './refuse.ts'\n", caught: { lint: ['no-barrel-file'] } },
  [`${feature}/CamelCase.ts`]: { text: 'export const named = 1\n', caught: { lint: ['filename-case'] } },
  [`${feature}/careless.ts`]: {
    text: [
      "import { Part } from '../planted-too/part.ts'",
      'const careless = (anything: any): Part => anything',
      'const later = async (): Promise<string> => String(process.env.HOME)',
      "later()\nfor (const item of ['x']) [item].forEach(later)",
      "if (later()) console.log(await fetch('http://127.0.0.1'))",
      'export default careless',
    ].join('\n'),
    caught: {
      lint: [
        'no-default-export',
        'no-process-env',
        'no-restricted-globals',
        'no-console',
        'no-explicit-any',
        'consistent-type-imports',
        'no-floating-promises',
        'no-misused-promises',
      ],
    },
  },
  'docs/reference/rumours.md': { text: '# Rumours\n', caught: { reference: ['describes nothing that exists'] } },
  'docs/reference/errors.md': { text: '# Errors\n', caught: { reference: ['differs from the code'] } },
  'docs/guides/planted.md': {
    text: [
      '# Planted',
      '#### Too deep',
      '# Twice',
      'See [nowhere](no-such-page.md), [no heading](keys.md#no-such-heading), [the error](../errors/never-catalogued.md)',
      'and ![a picture](../pictures/gone.svg). Set `HEADGATE_PROT` and watch `headgate_wishes_total`.',
      '`[in code](nothing.md)` is no link.',
    ].join('\n\n'),
    caught: {
      docs: [
        'planted.md:3: "Too deep" leaves out a level',
        'planted.md:5: "Twice" is a second title',
        'planted.md:7: no-such-page.md leads nowhere',
        'planted.md:7: keys.md#no-such-heading names no heading',
        'planted.md:7: ../errors/never-catalogued.md leads nowhere',
        'planted.md:9: ../pictures/gone.svg leads nowhere',
        'planted.md:9: HEADGATE_PROT is no option',
        'planted.md:9: headgate_wishes_total is no metric',
      ],
    },
  },
  'docs/decisions/9999-planted.md': {
    text: '---\nstatus: perhaps\n---\n\n# 9999. Planted\n\n## Check\n\n`npm run divine` and `npm test -- packages/server/test/no-such.test.ts`.\n',
    caught: {
      docs: [
        '9999-planted.md: "perhaps" is no status',
        '9999-planted.md: is not in the list',
        '9999-planted.md: its check "npm run divine" does not exist',
        '9999-planted.md: its check packages/server/test/no-such.test.ts does not exist',
      ],
    },
  },
  'packages/server/src/key.txt': {
    text: `only its shape: hg_sk_${'0aZ'.repeat(16)}\n${mintKey('secret', mintPublicId())}\n`,
    caught: { keys: ['key.txt: line 2: a secret Headgate key'] },
  },
  'packages/server/src/pem.txt': {
    text: `-----BEGIN ${'RSA PRIVATE'} KEY-----\n${'MIIEpAIBAAKCAQEA'.repeat(8)}\n-----END ${'RSA PRIVATE'} KEY-----\n`,
    caught: { secrets: ['secretlint-rule-privatekey'] },
  },
}

/** The same in files that are there: how each is changed, null takes it away. */
const changes: Record<string, { change: ((text: string) => string) | null; caught: Record<string, string[]> }> = {
  // The types of what is planted, and of what it imports.
  'tsconfig.json': {
    change: (text) => text.replace(/"include": \[.*\]/, `"include": ["${feature}"]`),
    caught: {},
  },
  'docs/samples/tools/python.py': {
    change: (text) => text.replaceAll('parallel_tool_calls', 'parallel_calls'),
    caught: { samples: ['python.py: does not name parallel_tool_calls', 'python.py: parallel_calls is no field'] },
  },
  'docs/samples/streaming/go.go': {
    change: (text) => text.replaceAll('include_usage', 'with_usage'),
    caught: { samples: ['go.go: with_usage is no field of the API'] },
  },
  'docs/errors/budget-exceeded.md': {
    change: null,
    caught: { reference: ['budget-exceeded.md: differs from the code'] },
  },
  'packages/server/src/config/schema.ts': {
    change: (text) => text.replace(/^ {4}data_dir:/m, '    planted: Type.Optional(Type.String()),\n    data_dir:'),
    caught: { reference: ['docs/reference/configuration.md: differs from the code'] },
  },
  'packages/server/src/kernel/metrics.ts': {
    change: (text) => text.replace('headgate_shed_total', 'headgate_planted_total'),
    caught: { reference: ['docs/reference/metrics.md: differs from the code'] },
  },
  'docs/reference/openapi.json': {
    change: (text) => {
      const document = JSON.parse(text) as { paths: Record<string, unknown> }
      delete document.paths['/v1/usage']
      return JSON.stringify(document)
    },
    caught: { openapi: ['openapi.json: breaks callers of 0.1.0: GET /v1/usage: removed'] },
  },
}

/** A copy of the repository whose packages resolve inside the copy, without its tests: they only make the check longer. */
const copyHouse = (): string => {
  const house = realpathSync(mkdtempSync(join(tmpdir(), 'headgate-check-')))
  for (const name of readdirSync(root)) {
    if (['node_modules', '.git', '.headgate', '.cache', 'coverage'].includes(name)) continue
    cpSync(join(root, name), join(house, name), {
      recursive: true,
      filter: (path) =>
        !path.endsWith('.test.ts') && !['node_modules', '.headgate', '.cache', 'site'].includes(basename(path)),
    })
  }
  mkdirSync(join(house, 'node_modules/@headgate'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@headgate' && !name.startsWith('.vite'))
      symlinkSync(join(root, 'node_modules', name), join(house, 'node_modules', name))
  for (const name of readdirSync(join(house, 'packages')))
    symlinkSync(join(house, 'packages', name), join(house, 'node_modules/@headgate', name))
  return house
}

const check = (house: string, ...names: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['scripts/check.ts', ...names],
      { cwd: house, maxBuffer: 2 ** 26 },
      (_fault, output, complaint) => resolve({ code: child.exitCode ?? -1, output: output + complaint }),
    )
  })

describe('npm run check', () => {
  const house = copyHouse()
  const names = [...new Set(Object.values({ ...plants, ...changes }).flatMap(({ caught }) => Object.keys(caught)))]
  let report = { code: 0, output: '' }
  beforeAll(async () => {
    for (const [path, { text }] of Object.entries(plants)) {
      mkdirSync(dirname(join(house, path)), { recursive: true })
      writeFileSync(join(house, path), text)
    }
    for (const [path, { change }] of Object.entries(changes)) {
      const before = readFileSync(join(house, path), 'utf8')
      const after = change?.(before)
      if (after === before) throw new Error(`nothing is planted in ${path}`)
      if (after === undefined) rmSync(join(house, path))
      else writeFileSync(join(house, path), after)
    }
    report = await check(house, ...names)
  }, 300_000)
  afterAll(() => rmSync(house, { recursive: true, force: true }))

  const expectations = Object.entries({ ...plants, ...changes }).flatMap(([path, { caught }]) =>
    Object.entries(caught).flatMap(([name, words]) => words.map((word) => ({ name, path, word }))),
  )
  it.each(expectations)('$name names $path: $word', ({ name, path, word }) => {
    const sections = report.output.split(/^(?=ok {4}|fail {2})/m)
    const section = sections.find((text) => new RegExp(`^fail\\s+${name}\\s`).test(text)) ?? ''
    expect(section).toContain(word)
    if (path in plants) expect(section).toContain(basename(path))
  })

  it('ends with 1 when anything fails', () => expect(report.code).toBe(1))

  it('passes and ends with 0 where all is well', async () => {
    expect(await check(house, 'lockfile')).toMatchObject({ code: 0, output: expect.stringMatching(/^ok +lockfile/) })
  })

  it('catches a dependency fetched from outside the registry', async () => {
    const lock = { packages: { 'node_modules/stray': { version: '1.0.0', resolved: 'https://example.com/stray.tgz' } } }
    writeFileSync(join(house, 'package-lock.json'), JSON.stringify(lock))
    const { code, output } = await check(house, 'lockfile')
    expect(code).toBe(1)
    expect(output).toMatch(/stray: names where it was downloaded[^]*stray: has no checksum/)
  })

  it('refuses a check it does not know', async () => {
    expect(await check(house, 'astrology')).toMatchObject({
      code: 2,
      output: expect.stringContaining('No check is called'),
    })
  })
})
