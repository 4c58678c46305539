import type { DocsGroup, DocsPage } from './docs-pages.ts'

const summary =
  'Headgate is a self-hosted backend for AI apps: an OpenAI-compatible gateway in front of model providers that identifies, limits, relays, meters and pays for each call.'

/** `llms.txt` (llmstxt.org): what this is and where each page stands as text. */
export const llmsText = (groups: readonly DocsGroup[]): string =>
  `${[
    '# Headgate',
    `> ${summary}`,
    'Every page is there as Markdown under its address with `.md`. All of them in one file: /docs/llms-full.txt. The API: /openapi.json. Every error: /errors.json.',
    ...groups.map(({ title, about, pages }) => {
      const lines = pages.map((page) => `- [${page.title}](/docs/${page.path}.md)`)
      return [`## ${title}`, ...(about === '' ? [] : [about]), lines.join('\n')].join('\n\n')
    }),
  ].join('\n\n')}\n`

/** `llms-full.txt`: every page after another, each under its address. */
export const llmsFullText = (pages: readonly DocsPage[]): string =>
  `${[`> ${summary}`, ...pages.map(({ path, text }) => `<!-- /docs/${path}.md -->\n\n${text.trim()}`)].join('\n\n---\n\n')}\n`
