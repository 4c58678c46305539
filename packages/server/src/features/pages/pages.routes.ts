import { ErrorCatalogueSchema } from '@headgate/contract/errors/catalogue-schema.ts'
import { AppError } from '../../kernel/errors.ts'
import { defineRoute, type Reply, type Route, type RouteInput } from '../../kernel/route.ts'
import { codeNamed, errorPage, errorsDocument, errorsPage, errorText, pageNameOf } from './error-pages.ts'
import { answerFile, isMarkdownName, notModified, redirectTo, textReply } from './file-replies.ts'
import { addressOf } from './address.ts'
import { explorerPage } from './explorer-page.ts'
import { homeDocument, homePage } from './home-page.ts'
import { notBuiltPage, notFoundPage } from './notice-pages.ts'
import type { PagesPorts } from './pages.ports.ts'
import { etagOf, type Page, type Shell } from './shell.ts'

/** Whether the caller is a person with a browser; programs rarely name HTML. */
const wantsHtml = ({ headers }: RouteInput): boolean => /\btext\/html\b/.test(String(headers['accept'] ?? ''))

/** Pages for people: the home page, the errors, the documentation. None of them asks for a key or knows a caller. */
export const pagesRoutes = (ports: PagesPorts, shell: Shell, assetPath: (name: string) => string): Route[] => {
  const missing = (input: RouteInput): Reply => {
    if (!wantsHtml(input)) throw new AppError('route_not_found')
    return shell(notFoundPage())
  }
  const unlessKnown = (input: RouteInput, page: Page): Reply => {
    const reply = shell(page)
    if (reply.kind !== 'bytes') return reply
    const etag = etagOf(reply.bytes)
    return notModified(input, etag) ?? { ...reply, headers: { ...reply.headers, etag } }
  }
  const errorsJson = JSON.stringify(errorsDocument)
  const errorsTag = etagOf(errorsJson)

  return [
    defineRoute({
      method: 'GET',
      path: '/',
      summary: 'The home page; for programs, where things are.',
      access: 'public',
      reference: null,
      handle: (input) => {
        const address = addressOf(ports, input.headers['host'])
        const vary = { vary: 'accept' }
        if (!wantsHtml(input)) return { kind: 'json', value: homeDocument(address), headers: vary }
        const reply = shell(homePage(address))
        return reply.kind === 'bytes' ? { ...reply, headers: { ...reply.headers, ...vary } } : reply
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/errors.json',
      summary: 'The catalogue of errors.',
      access: 'public',
      reference: {
        operationId: 'listErrors',
        tag: 'Reference',
        answer: ErrorCatalogueSchema,
        otherAnswers: { 304: { description: 'The caller has it already: `If-None-Match` named its `ETag`.' } },
      },
      handle: (input) =>
        notModified(input, errorsTag) ?? textReply('application/json; charset=utf-8', errorsJson, { etag: errorsTag }),
    }),
    defineRoute({
      method: 'GET',
      path: '/docs/errors',
      summary: 'All errors on one page.',
      access: 'public',
      reference: null,
      handle: (input) => unlessKnown(input, errorsPage()),
    }),
    defineRoute({
      method: 'GET',
      path: '/docs/errors/:name',
      summary: 'The page of one error, by its code or id; with `.md` as text.',
      access: 'public',
      reference: null,
      handle: (input) => {
        const given = input.params['name'] ?? ''
        const bare = isMarkdownName(given) ? given.slice(0, -3) : given
        const code = codeNamed(bare)
        if (code === undefined) return bare === '' ? redirectTo('/docs/errors') : missing(input)
        const name = pageNameOf(code)
        if (name !== bare) return redirectTo(`/docs/errors/${name}${given.slice(bare.length)}`)
        if (bare !== given) return textReply('text/markdown; charset=utf-8', errorText(code))
        return unlessKnown(input, errorPage(code, ports.presentError))
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/docs',
      summary: 'Leads to the documentation.',
      access: 'public',
      reference: null,
      handle: () => redirectTo('/docs/'),
    }),
    defineRoute({
      method: 'GET',
      path: '/docs/api',
      summary: 'The API explorer.',
      access: 'public',
      reference: null,
      handle: async () => {
        const isBuilt = (await ports.documentation('explorer/swagger-ui.css')) !== null
        return shell(isBuilt ? explorerPage(assetPath) : notBuiltPage())
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/docs/*',
      summary: 'The documentation; each page with `.md` as text.',
      access: 'public',
      reference: null,
      handle: async (input) => {
        const path = input.params['*'] ?? ''
        if (path === '' && (await ports.documentation('index.html')) === null) return shell(notBuiltPage())
        return (await answerFile(ports.documentation, path, input)) ?? missing(input)
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/assets/:name',
      summary: 'Style and script of these pages.',
      access: 'public',
      reference: null,
      handle: async (input) => (await answerFile(ports.asset, input.params['name'] ?? '', input)) ?? missing(input),
    }),
  ]
}
