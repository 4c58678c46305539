import { createHash } from 'node:crypto'
import type { Feature } from '../../kernel/feature.ts'
import { referenceRoutes, type ServedDocument } from './reference.routes.ts'

/** The API's description of itself. @param describe writes the document; asked once, when somebody first wants it. */
export const createReference = (describe: () => object): Feature => {
  let served: ServedDocument | null = null
  const document = (): ServedDocument => {
    if (served) return served
    const text = JSON.stringify(describe())
    served = { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` }
    return served
  }
  return { name: 'reference', routes: referenceRoutes(document) }
}
