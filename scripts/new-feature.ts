import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { featureFiles } from './feature-template.ts'

/**
 * `npm run new:feature notes` makes a feature with every room that one usually has, wired in: a table, an operator's list of
 * it, a test through the front door. It passes the check after `npm run generate`; then it is yours to change.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const refuse = (words: string): never => {
  console.error(words)
  process.exit(2)
}

const name = process.argv[2] ?? ''
if (!/^[a-z]{3,30}s$/.test(name)) refuse('Name it by one plain word in the plural: npm run new:feature notes')
if (existsSync(join(root, 'packages/server/src/features', name))) refuse(`There is a feature ${name} already.`)

const migrations = readdirSync(join(root, 'packages/server/migrations')).sort()
const number = String(Number.parseInt(migrations.at(-1) ?? '0', 10) + 1).padStart(4, '0')

/** Puts a text before the first place that reads `anchor`. */
const insert = (path: string, anchor: string, added: string): void => {
  const text = readFileSync(join(root, path), 'utf8')
  const place = text.indexOf(anchor)
  if (place === -1)
    refuse(`${path} has changed: there is no ${anchor.trim()} any more. Correct scripts/new-feature.ts.`)
  writeFileSync(join(root, path), text.slice(0, place) + added + text.slice(place))
}

const title = name.charAt(0).toUpperCase() + name.slice(1)
for (const [path, text] of featureFiles(name, number)) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
  console.log(`made     ${path}`)
}
const wiring: readonly [path: string, anchor: string, added: string][] = [
  ['packages/contract/src/api-tags.ts', '  Status: ', `  ${title}: 'What this is, in one line.',\n`],
  [
    'packages/server/src/compose.ts',
    'import { createReference }',
    `import { create${title} } from './features/${name}/${name}.ts'\n`,
  ],
  [
    'packages/server/src/compose.ts',
    '  const features: readonly Feature[] = [',
    `  const ${name} = create${title}({ database })\n`,
  ],
  ['packages/server/src/compose.ts', '    ...hints.features,\n  ]\n', `    ${name},\n`],
  [
    'packages/server/src/features/privacy/map/operation.ts',
    '  migrations: {',
    `  ${name}: {
    ...house,
    purpose: 'What this is for, in one line.',
    kept: 'until removed',
    columns: { technical: ['id', 'project_id', 'created_at'] },
  },\n`,
  ],
  [
    'packages/server/test/isolation/route-samples.ts',
    "  'GET /admin/v1/config': ",
    `  'GET /admin/v1/${name}': plain('/admin/v1/${name}'),\n`,
  ],
]
for (const [path, anchor, added] of wiring) {
  insert(path, anchor, added)
  console.log(`changed  ${path}`)
}
console.log(`
Next:
  npm run generate        the reference and the OpenAPI document know the new route
  npm run format
  npm run check
  npm test -- packages/server/src/features/${name}
Then make it yours, from the table up, and add a line for it to docs/architecture.md and CHANGELOG.md.`)
