import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { breakingChanges, mayBreak } from './api-changes.ts'
import type { Members } from './schema-changes.ts'

/** Where the document stands that callers build on, written by `npm run generate`. */
export const documentPath = 'docs/reference/openapi.json'
/** The document of the last release, which later ones must not break; `npm run generate -- --release` puts it there. */
export const releasedPath = 'docs/reference/openapi.released.json'

/** Faults of the document by Redocly's strictest rule set; those that are switched off say why. */
export const lintProblems = async (source: string): Promise<string[]> => {
  const config = await createConfig({
    extends: ['recommended-strict'],
    rules: {
      'tag-description': 'error',
      'operation-operationId': 'error',
      // Unlisted members are allowed: the lint would else close every schema that does not say so.
      'no-invalid-schema-examples': { severity: 'error', allowAdditionalProperties: true },
      'no-invalid-media-type-examples': { severity: 'error', allowAdditionalProperties: true },
      'no-invalid-parameter-examples': { severity: 'error', allowAdditionalProperties: true },
      'no-unused-components': 'error',
    },
  })
  const problems = await lintFromString({ source, absoluteRef: documentPath, config })
  return problems.map(
    ({ ruleId, message, location }) => `${documentPath}${location[0]?.pointer ?? ''}: ${message} (${ruleId})`,
  )
}

/** What the present document breaks of the released one, unless its version says so. */
export const compatibilityProblems = (released: Members, current: Members): string[] => {
  const version = (document: Members) => (document['info'] as { version: string }).version
  if (mayBreak(version(released), version(current))) return []
  return breakingChanges(released, current).map(
    (change) => `${documentPath}: breaks callers of ${version(released)}: ${change}`,
  )
}

/** What is wrong with the API document of this tree. */
export const openapiProblems = async (root: string): Promise<string> => {
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  const source = read(documentPath)
  const [released, current] = [read(releasedPath), source].map((text) => JSON.parse(text) as Members)
  return [...(await lintProblems(source)), ...compatibilityProblems(released as Members, current as Members)].join('\n')
}
