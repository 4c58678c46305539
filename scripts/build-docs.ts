import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DocsGroup, type DocsPage, errorPages, readDocs, readFolder, sitePathOf, targetOf } from './docs-pages.ts'
import { llmsFullText, llmsText } from './docs-texts.ts'
import { inDocumentation } from './licence-page.ts'
import { type MarkdownLink, replaceLinks } from './markdown.ts'

/**
 * Builds the documentation that the server shows at `/docs/`. `--if-stale` builds only when its sources have changed, and
 * never fails: a server without documentation is still a server.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const laidOut = join(root, '.cache/docs')
const site = join(root, 'packages/server/site')
const stampFile = join(site, '.sources')

/** A digest of everything that the site is made from. */
const digestOfSources = (): string => {
  const hash = createHash('sha256')
  const sources = [
    ...readFolder(root, 'docs', '.md', '.ts', '.css', '.svg'),
    ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'STYLE.md', 'SECURITY.md', 'package.json']
      .filter((path) => existsSync(join(root, path)))
      .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
    ...readFolder(root, 'packages/server/assets', '.css', '.svg'),
    ...readFolder(root, 'scripts', '.ts').filter(({ path }) => /docs|markdown|mermaid/.test(path)),
  ]
  for (const { path, text } of sources) hash.update(`${path}\0${text}\0`)
  return hash.digest('hex')
}

const inlinePicture = (file: string, text: string): string => {
  const picture = readFileSync(join(root, file), 'utf8')
    .replace(/^[^]*?<svg/, '<svg')
    .replace(/<style>[^]*?<\/style>/g, '')
    .replace(/\n\s*/g, ' ')
  return `<div class="picture" role="img" tabindex="0" aria-label="${text.replaceAll('"', '&quot;')}">${picture}</div>`
}

const anchored = (path: string, anchor: string): string => (anchor === '' ? path : `${path}#${anchor}`)

/** A link as the site needs it: page to page; to the server's own pages past the site's router; what is no page is text. */
const siteLink = (page: DocsPage, { text, target, isPicture }: MarkdownLink): string | null => {
  const meant = targetOf(page.source, target)
  if (meant === null) return null
  if (isPicture) return inlinePicture(meant.file, text)
  if (meant.file.startsWith(`${errorPages}/`) || meant.file === errorPages)
    return `<a href="/${meant.file.replace(/\.md$/, '')}" target="_self">${text.replace(/`([^`]+)`/g, '<code v-pre>$1</code>')}</a>`
  const path = sitePathOf(meant.file)
  if (path === null) return text
  return `[${text}](/${anchored(path.replace(/(^|\/)index$/, '$1'), meant.anchor)})`
}

/** The same for the text twin of a page, by addresses that a program can follow. */
const twinLink = (page: DocsPage, { text, target, isPicture }: MarkdownLink): string | null => {
  const meant = targetOf(page.source, target)
  if (meant === null) return null
  const path = isPicture ? meant.file.replace(/^docs\//, '') : sitePathOf(meant.file)
  if (path === null) return text
  const address = `/docs/${path}${isPicture ? '' : '.md'}`
  return isPicture ? `![${text}](${address})` : `[${text}](${anchored(address, meant.anchor)})`
}

const write = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** Reference pages are wide tables, and have few headings to outline. */
const frontMatterOf = ({ source }: DocsPage): string =>
  source.startsWith('docs/reference/') ? '---\naside: false\n---\n\n' : ''

const contentsOf = (groups: readonly DocsGroup[]) =>
  groups.map(({ title, pages }) => ({
    title,
    pages: pages.map((page) => ({ text: page.title, link: `/${page.path.replace(/(^|\/)index$/, '$1')}` })),
  }))

const layOut = async (pages: readonly DocsPage[], groups: readonly DocsGroup[]): Promise<void> => {
  // Loaded here, so that a start without the tools that build can tell what is missing.
  const { mermaidPicture } = await import('./mermaid-picture.ts')
  const drawn = (text: string): string =>
    text.replace(/^```mermaid\n([^]*?)^```$/gm, (_, chart: string) => {
      const words = 'A diagram; its text is in the Markdown of this page.'
      return `<div class="picture" role="img" tabindex="0" aria-label="${words}">${mermaidPicture(chart)}</div>`
    })
  rmSync(laidOut, { recursive: true, force: true })
  for (const page of pages)
    write(
      join(laidOut, `${page.path}.md`),
      frontMatterOf(page) + drawn(replaceLinks(page.text, (link) => siteLink(page, link))),
    )
  write(join(laidOut, 'contents.json'), JSON.stringify(contentsOf(groups)))
  cpSync(join(root, 'packages/server/assets/mark.svg'), join(laidOut, 'public/mark.svg'))
  for (const { path, text } of readFolder(root, 'docs', '.svg'))
    write(join(laidOut, 'public', posix.relative('docs', path)), text)
}

/** What a browser needs of the API explorer; its page is the server's own. */
const addExplorer = (): void => {
  const from = join(root, 'node_modules/swagger-ui-dist')
  for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css']) cpSync(join(from, name), join(site, 'explorer', name))
}

/** The licences of those whose code is in the site. */
const addLicences = (): void => {
  for (const name of inDocumentation) {
    const from = join(root, 'node_modules', name)
    const file = readdirSync(from).find((one) => /^licen[cs]e/i.test(one))
    if (file === undefined) throw new Error(`${name} brings no licence`)
    cpSync(join(from, file), join(site, 'licences', `${name.replace('/', '-')}.txt`))
  }
}

const build = async (digest: string): Promise<void> => {
  const { first, groups } = readDocs(root)
  const pages = [first, ...groups.flatMap((group) => group.pages)]
  await layOut(pages, groups)
  const tool = join(root, 'node_modules/vitepress/bin/vitepress.js')
  const { status } = spawnSync(process.execPath, [tool, 'build', 'docs'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error(`vitepress ended with ${status}`)
  const twins = pages.map((page) => ({ ...page, text: replaceLinks(page.text, (link) => twinLink(page, link)) }))
  for (const { path, text } of twins) write(join(site, `${path}.md`), text)
  write(join(site, 'llms.txt'), llmsText(groups))
  write(join(site, 'llms-full.txt'), llmsFullText(twins))
  addExplorer()
  addLicences()
  writeFileSync(stampFile, digest)
  console.log(`${pages.length} pages in ${relative(root, site)}`)
}

const digest = digestOfSources()
if (!process.argv.includes('--if-stale')) await build(digest)
else if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== digest) {
  if (!existsSync(join(root, 'node_modules/vitepress')))
    console.log(
      'The documentation is not built: npm ci without --omit=dev brings what builds it. Headgate starts without.',
    )
  else {
    console.log('Building the documentation, once until it changes …')
    try {
      await build(digest)
    } catch (cause) {
      console.error(`The documentation cannot be built, and Headgate starts without: ${String(cause)}`)
    }
  }
}
