import ts from 'typescript'
import type { ErrorEntry } from '../packages/contract/src/errors/entry.ts'
import { errorCatalogue } from '../packages/contract/src/errors/catalogue.ts'
import { isTest, literalText, place, readSources, type Source, walk } from './sources.ts'

type Catalogue = Readonly<Record<string, ErrorEntry>>

const raises = (node: ts.Node): ts.Expression | undefined => {
  if (ts.isNewExpression(node) && node.expression.getText() === 'AppError') return node.arguments?.[0]
  if (ts.isCallExpression(node) && node.expression.getText() === 'fault') return node.arguments[0]
  return undefined
}

/**
 * Catalogue and code agree: every code raised is catalogued, every catalogued code is named by the server, ids are unique and
 * every entry says why it happens and what to do.
 */
export const catalogueFaults = (catalogue: Catalogue, sources: Source[]): string[] => {
  const problems: string[] = []
  const named = new Set<string>()
  for (const source of sources) {
    walk(source, (node, file) => {
      const text = literalText(node)
      if (text !== undefined && !ts.isLiteralTypeNode(node.parent)) named.add(text)
      if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name)) named.add(node.name.text)
      const code = raises(node)
      if (code && ts.isStringLiteralLike(code) && !(code.text in catalogue))
        problems.push(`${place(source, file, code)}: error code ${code.text} is not in the catalogue`)
    })
  }
  const ids = new Map<string, string>()
  for (const [slug, entry] of Object.entries(catalogue)) {
    const twin = ids.get(entry.id)
    if (twin) problems.push(`${slug}: shares ${entry.id} with ${twin}`)
    ids.set(entry.id, slug)
    if (!/^[a-z]+(_[a-z0-9]+)*$/.test(slug)) problems.push(`${slug}: a code is written in snake_case`)
    if (!/^HG-\d{4}$/.test(entry.id)) problems.push(`${slug}: ${entry.id} is not HG- and four digits`)
    if (entry.causes.filter((cause) => cause.trim()).length === 0) problems.push(`${slug}: says no cause`)
    if (entry.resolutions.filter((fix) => fix.trim()).length === 0) problems.push(`${slug}: says no fix`)
    if (!named.has(slug)) problems.push(`${slug}: is catalogued, but the server never raises it; delete it or use it`)
  }
  return problems
}

export const catalogueProblems = (root: string): string[] =>
  catalogueFaults(
    errorCatalogue,
    readSources(root, 'packages/server/src').filter((source) => !isTest(source.path)),
  )
