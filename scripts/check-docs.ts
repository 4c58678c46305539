import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { environment } from '../packages/server/src/config/env.ts'
import { metricReference } from '../packages/server/src/kernel/metrics.ts'
import { type DocsFile, readFolder, targetOf } from './docs-pages.ts'
import { headingsOf, linksOf } from './markdown.ts'

const rootPages = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'STYLE.md', 'SECURITY.md']
const statuses = /^(proposed|accepted|rejected|deprecated|superseded by \d{4})$/

/** Names that begin like ours and are no option: a caller's own variables, and those of scripts. */
const otherVariables = new Set(['HEADGATE_API_KEY', 'HEADGATE_KEY', 'HEADGATE_URL', 'HEADGATE_BASE_URL'])
const otherNames = new Set(['headgate_runtime'])

const anchorsIn = (cache: Map<string, Set<string>>, root: string, file: string): Set<string> => {
  const known = cache.get(file)
  if (known) return known
  const anchors = new Set(headingsOf(readFileSync(join(root, file), 'utf8')).map(({ anchor }) => anchor))
  cache.set(file, anchors)
  return anchors
}

/** Links and pictures lead to files that exist, and anchors to headings. */
const linkProblems = (root: string, pages: readonly DocsFile[]): string[] => {
  const cache = new Map<string, Set<string>>()
  return pages.flatMap(({ path, text }) =>
    linksOf(text).flatMap(({ target, line }) => {
      const meant = targetOf(path, target)
      if (meant === null) return []
      if (meant.file.startsWith('..') || !existsSync(join(root, meant.file)))
        return [`${path}:${line}: ${target} leads nowhere`]
      if (meant.anchor === '' || !meant.file.endsWith('.md')) return []
      return anchorsIn(cache, root, meant.file).has(meant.anchor)
        ? []
        : [`${path}:${line}: ${target} names no heading of ${meant.file}`]
    }),
  )
}

/** One title, first of all, and no level left out. */
const headingProblems = ({ path, text }: DocsFile): string[] => {
  const headings = headingsOf(text)
  const problems: string[] = []
  if (headings[0]?.level !== 1) problems.push(`${path}: begins with no title of the first level`)
  for (const [index, { level, line, text: words }] of headings.entries()) {
    const before = headings[index - 1]
    if (before === undefined) continue
    if (level === 1) problems.push(`${path}:${line}: "${words}" is a second title`)
    else if (level > before.level + 1) problems.push(`${path}:${line}: "${words}" leaves out a level`)
  }
  return problems
}

const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length

/** Options and metrics that a page speaks of exist. That each one has its line in the reference is the reference's own check. */
const nameProblems = ({ path, text }: DocsFile): string[] => {
  const variables = new Set<string>(environment.map(({ name }) => name))
  const metrics = new Set<string>(metricReference.map(({ name }) => name))
  const unknown = (pattern: RegExp, fits: (name: string) => boolean, kind: string) =>
    [...text.matchAll(pattern)]
      .filter(([name]) => !fits(name))
      .map((match) => `${path}:${lineOf(text, match.index)}: ${match[0]} is no ${kind}`)
  return [
    // `HEADGATE_` alone, and with a star or the start of a name in angle brackets, speaks of all of them.
    ...unknown(/\bHEADGATE_[A-Z0-9_]*[A-Z0-9]\b/g, (name) => variables.has(name) || otherVariables.has(name), 'option'),
    ...unknown(
      /\bheadgate_[a-z0-9_]*[a-z0-9]\b(?!\.)/g,
      (name) => metrics.has(name) || metrics.has(name.replace(/_(bucket|sum|count)$/, '')) || otherNames.has(name),
      'metric',
    ),
  ]
}

/** A decision has a status that is listed, and names only tests, files and scripts that exist as its check. */
const decisionProblems = (root: string, pages: readonly DocsFile[]): string[] => {
  const list = pages.find(({ path }) => path === 'docs/decisions/README.md')?.text ?? ''
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  return pages
    .filter(({ path }) => /^docs\/decisions\/\d{4}-/.test(path))
    .flatMap(({ path, text }) => {
      const name = path.slice('docs/decisions/'.length)
      const status = /^status: (.*)$/m.exec(text)?.[1] ?? ''
      const problems = statuses.test(status) ? [] : [`${path}: "${status}" is no status`]
      const row = list.split('\n').find((line) => line.includes(`(${name})`))
      if (row === undefined) problems.push(`${path}: is not in the list of docs/decisions/README.md`)
      else if (!row.includes(`| ${status.split(' by ')[0]}`)) problems.push(`${path}: has another status in the list`)
      const check = text.split(/^## Check$/m)[1] ?? ''
      for (const [, code = ''] of check.matchAll(/`([^`]+)`/g)) {
        for (const file of code.match(/\b(?:packages|scripts|docs)\/[\w./-]+/g) ?? [])
          if (!existsSync(join(root, file))) problems.push(`${path}: its check ${file} does not exist`)
        const script = /^npm run ([\w:]+)/.exec(code)?.[1]
        if (script !== undefined && !(script in scripts))
          problems.push(`${path}: its check "npm run ${script}" does not exist`)
      }
      return problems
    })
}

/** Everything that is wrong with the documentation's links, headings, names and decisions. */
export const docsProblems = (root: string): string[] => {
  const pages = [
    ...readFolder(root, 'docs', '.md'),
    ...rootPages
      .filter((path) => existsSync(join(root, path)) && statSync(join(root, path)).isFile())
      .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
  ]
  return [
    ...linkProblems(root, pages),
    ...pages.flatMap(headingProblems),
    ...pages.filter(({ path }) => path !== 'CHANGELOG.md').flatMap(nameProblems),
    ...decisionProblems(root, pages),
  ]
}
