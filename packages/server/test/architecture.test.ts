import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { architectureProblems, declaredRoutes, tableOwners } from '../../../scripts/check-architecture.ts'
import { catalogueProblems } from '../../../scripts/check-catalogue.ts'
import { directiveProblems } from '../../../scripts/check-directives.ts'
import { docsProblems } from '../../../scripts/check-docs.ts'
import { lockfileProblems } from '../../../scripts/check-lockfile.ts'
import { referencePages } from '../../../scripts/reference-pages.ts'
import { isTest, readSources } from '../../../scripts/sources.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The packages that are loaded with a module, before anything of it runs. */
const loadedWith = (file: string, seen = new Set<string>(), packages = new Set<string>()): ReadonlySet<string> => {
  if (seen.has(file)) return packages
  seen.add(file)
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^']*?from '([^']+)'/gms)
  for (const [, name = ''] of imports) {
    if (name.startsWith('.')) loadedWith(join(dirname(file), name), seen, packages)
    else if (!name.startsWith('node:')) packages.add(name)
  }
  return packages
}

/** The same rules as `npm run check`; scripts/check.test.ts plants a breach of each. */
describe('architecture', () => {
  it('names files well, keeps tables with their owner, declares access on every route', () => {
    expect(architectureProblems(root)).toEqual([])
  })

  it('raises every catalogued error and no other', () => {
    expect(catalogueProblems(root)).toEqual([])
  })

  it('gives a reason wherever a rule is switched off', () => {
    expect(directiveProblems(root)).toEqual([])
  })

  it('has documentation whose links, headings, names and checks hold', () => {
    expect(docsProblems(root)).toEqual([])
  })

  it('loads at the start nothing that most houses never need', () => {
    const packages = [...loadedWith(join(root, 'packages/server/src/main.ts'))]
    expect(packages).toContain('fastify')
    for (const costly of ['redis', 'gpt-tokenizer'])
      expect(packages.filter((name) => name === costly || name.startsWith(`${costly}/`))).toEqual([])
  })

  it('locks published packages without a download host', () => {
    expect(lockfileProblems(root)).toEqual([])
  })

  it('finds the tables and routes that the rules are about', () => {
    const migrations = readSources(root, 'packages/server/migrations', '.sql')
    const sources = readSources(root, 'packages/server/src').filter(({ path }) => !isTest(path))
    expect(tableOwners(migrations).owners.size).toBeGreaterThan(3)
    expect(declaredRoutes(sources).map(({ path }) => path)).toContain('/v1/chat/completions')
  })

  it('documents every error, variable, route and metric, and nothing else', () => {
    const pages = referencePages(root)
    const written = ['docs/reference', 'docs/errors'].flatMap((folder) => readSources(root, folder, '.md'))
    expect(written.map(({ path }) => path).filter((path) => !pages.has(path))).toEqual([])
    const text = (path: string): string => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '')
    for (const [path, page] of pages) expect(text(path), `${path}: run npm run generate`).toBe(page)
  })
})
