import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** A file of the repository: its path from the root, with forward slashes, and what it says. */
export interface Source {
  path: string
  text: string
}

const skipped = new Set(['node_modules', 'dist', 'coverage', '__fixtures__'])

/** Every file below `folder` whose name ends in `ending`, sorted by path; none when the folder does not exist. */
export const readSources = (root: string, folder: string, ending = '.ts'): Source[] => {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : readSources(root, path, ending)
      return entry.isFile() && path.endsWith(ending) ? [{ path, text: readFileSync(join(root, path), 'utf8') }] : []
    })
    .sort((left, right) => (left.path < right.path ? -1 : 1))
}

export const isTest = (path: string): boolean => /\.(test|conformance|bench)\.ts$|\/test\//.test(path)

/** Calls `visit` with every node of the file's syntax tree. */
export const walk = (source: Source, visit: (node: ts.Node, file: ts.SourceFile) => void): void => {
  const file = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest, true)
  const step = (node: ts.Node): void => {
    visit(node, file)
    ts.forEachChild(node, step)
  }
  step(file)
}

/** `path:line` of a node, as editors open it. */
export const place = (source: Source, file: ts.SourceFile, node: ts.Node): string =>
  `${source.path}:${file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1}`

/** The text of a string or template; what a template fills in reads as `?`. Undefined for any other node. */
export const literalText = (node: ts.Node): string | undefined => {
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map((span) => `?${span.literal.text}`).join('')
  return undefined
}
