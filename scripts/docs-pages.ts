import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { headingsOf } from './markdown.ts'
import { sampleTasks } from './samples.ts'

/** A file and what it says. Read without `sources.ts`, which needs a compiler that a server without tools lacks. */
export interface DocsFile {
  readonly path: string
  readonly text: string
}

/** Every file below a folder whose name has one of the endings, sorted by path. */
export const readFolder = (root: string, folder: string, ...endings: string[]): DocsFile[] =>
  (existsSync(join(root, folder)) ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }) : [])
    .map((name) => `${folder}/${name}`)
    .filter((path) => endings.some((ending) => path.endsWith(ending)) && !path.includes('node_modules/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

/** A page of the documentation. */
export interface DocsPage {
  /** From the root of the repository. */
  readonly source: string
  /** On the site below `/docs/`, without an ending; `index` and `x/index` for the first page of a folder. */
  readonly path: string
  readonly title: string
  readonly text: string
}

/** A part of the table of contents. */
export interface DocsGroup {
  readonly title: string
  /** One line, for readers that are programs. */
  readonly about: string
  readonly pages: readonly DocsPage[]
}

/** The four kinds of documentation by Diátaxis, then what is about the project itself. `first` orders; the rest follow by name. */
const groups: readonly {
  readonly title: string
  readonly about: string
  readonly sources: readonly string[]
  readonly first?: readonly string[]
}[] = [
  { title: 'Tutorials', about: 'Learn by doing, from nothing.', sources: ['docs/tutorials'], first: ['quickstart'] },
  {
    title: 'How-to guides',
    about: 'Reach a goal.',
    sources: ['docs/guides', 'docs/runbooks'],
    first: ['chat', 'keys', 'limits', 'api', 'configuration', 'operations', 'cli', 'troubleshooting', 'faq'],
  },
  {
    title: 'Samples',
    about: 'Whole programs for every task, in eight languages.',
    sources: ['docs/samples'],
    first: ['README', ...sampleTasks.map(({ folder }) => folder)],
  },
  { title: 'Reference', about: 'Look it up; written from the code.', sources: ['docs/reference'] },
  {
    title: 'Explanation',
    about: 'Understand why.',
    sources: ['docs/architecture.md', 'docs/explanation'],
    first: ['architecture'],
  },
  { title: 'Decisions', about: 'One page per choice.', sources: ['docs/decisions'], first: ['README'] },
  {
    title: 'Project',
    about: 'Changes, contributing, security.',
    sources: ['CHANGELOG.md', 'CONTRIBUTING.md', 'STYLE.md', 'SECURITY.md'],
    first: ['CHANGELOG', 'CONTRIBUTING', 'STYLE', 'SECURITY'],
  },
]

/** Served by the server from the catalogue itself. */
export const errorPages = 'docs/errors'

/** Where a file of the repository stands on the site; null for what is no page of its own. */
export const sitePathOf = (source: string): string | null => {
  if (!source.endsWith('.md')) return null
  if (source === 'README.md') return 'index'
  const bare = source.slice(0, -3)
  if (!bare.includes('/')) return `project/${bare.toLowerCase()}`
  if (!bare.startsWith('docs/')) return null
  return bare.slice('docs/'.length).replace(/(^|\/)README$/, '$1index')
}

const nameOf = (source: string): string => posix.basename(source, '.md')

const pageOf = (source: string, text: string): DocsPage => {
  const title = headingsOf(text).find(({ level }) => level === 1)?.text ?? nameOf(source)
  return { source, path: sitePathOf(source) ?? nameOf(source), title: title.replaceAll('`', ''), text }
}

const read = (root: string, source: string): DocsPage[] => {
  if (!source.endsWith('.md')) return readFolder(root, source, '.md').map(({ path, text }) => pageOf(path, text))
  return existsSync(join(root, source)) ? [pageOf(source, readFileSync(join(root, source), 'utf8'))] : []
}

/** The first page, and all others in the groups of the table of contents; a new folder below `docs` becomes a group. */
export const readDocs = (root: string): { first: DocsPage; groups: readonly DocsGroup[] } => {
  const all = read(root, 'docs').filter(({ source }) => !source.startsWith(`${errorPages}/`))
  const first = all.find(({ source }) => source === 'docs/README.md')
  if (first === undefined) throw new Error('docs/README.md is the first page of the documentation, and is missing')
  const known = groups.map(({ title, about, sources, first: order = [] }) => {
    const rank = ({ source }: DocsPage) => {
      const place = order.indexOf(nameOf(source))
      return place === -1 ? order.length : place
    }
    const pages = sources.flatMap((source) => read(root, source))
    return { title, about, pages: pages.toSorted((left, right) => rank(left) - rank(right)) }
  })
  const placed = new Set([first, ...known.flatMap(({ pages }) => pages)].map(({ source }) => source))
  const others = Map.groupBy(
    all.filter(({ source }) => !placed.has(source)),
    ({ source }) => source.split('/')[1] ?? '',
  )
  const more = [...others].map(([folder, pages]) => ({
    title: `${folder.slice(0, 1).toUpperCase()}${folder.slice(1)}`,
    about: '',
    pages,
  }))
  return { first, groups: [...known, ...more].filter(({ pages }) => pages.length > 0) }
}

/** The file of the repository that a link of a page means, and its anchor; null for an address elsewhere. */
export const targetOf = (source: string, target: string): { file: string; anchor: string } | null => {
  if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) return null
  const [path = '', anchor = ''] = target.split('#', 2)
  const file = path === '' ? source : posix.normalize(posix.join(posix.dirname(source), decodeURIComponent(path)))
  return { file: file.replace(/\/$/, ''), anchor }
}
