import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'
import { withoutBarriers } from './barriers.ts'

interface Entry {
  readonly text: string
  readonly link: string
}

/** Written by `scripts/build-docs.ts` beside the pages that it lays out. */
const contents = JSON.parse(
  readFileSync(new URL('../../.cache/docs/contents.json', import.meta.url), 'utf8'),
) as readonly {
  readonly title: string
  readonly pages: readonly Entry[]
}[]
const firstOf = (title: string): Entry[] => {
  const page = contents.find((group) => group.title === title)?.pages[0]
  return page ? [{ text: title, link: page.link }] : []
}
/** Pages that the server renders itself, below the same base: the site's own router must not take them. */
const served = (text: string, link: string) => ({ text, link, target: '_self' })

/** How `scripts/build-docs.ts` has the site built, from the pages that it lays out first. */
export default defineConfig({
  title: 'Headgate',
  description: 'A self-hosted backend for AI apps.',
  lang: 'en',
  base: '/docs/',
  srcDir: '../.cache/docs',
  outDir: '../packages/server/site',
  cacheDir: '../.cache/vitepress',
  vite: { plugins: [withoutBarriers] },
  cleanUrls: true,
  metaChunk: true,
  // Else a style element is made for a moment, which the server's policy refuses.
  appearance: { disableTransition: false },
  head: [
    ['link', { rel: 'icon', href: '/assets/mark.svg', type: 'image/svg+xml' }],
    ['meta', { name: 'referrer', content: 'no-referrer' }],
  ],
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  themeConfig: {
    logo: { src: '/mark.svg', alt: '' },
    search: { provider: 'local' },
    outline: [2, 3],
    externalLinkIcon: false,
    docFooter: { prev: 'Before', next: 'Next' },
    nav: [
      ...['Tutorials', 'How-to guides', 'Reference', 'Explanation'].flatMap(firstOf),
      served('API', '/api'),
      served('Errors', '/errors'),
    ],
    sidebar: contents.map(({ title, pages }) => ({
      text: title,
      collapsed: ['Decisions', 'Project'].includes(title),
      items: [
        ...pages,
        ...(title === 'Reference' ? [served('API explorer', '/api'), served('Error pages', '/errors')] : []),
      ],
    })),
    footer: { message: 'Served by Headgate itself. Nothing on this page comes from elsewhere.' },
  },
})
