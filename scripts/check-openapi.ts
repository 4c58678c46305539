import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConfig, lintFromString } from '@redocly/openapi-core'

/** Where the document stands that callers build on, written by `npm run generate`. */
export const documentPath = 'docs/reference/openapi.json'

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

/** What is wrong with the API document of this tree. */
export const openapiProblems = async (root: string): Promise<string> =>
  (await lintProblems(readFileSync(join(root, documentPath), 'utf8'))).join('\n')
