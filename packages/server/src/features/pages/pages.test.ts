import { request as httpRequest } from 'node:http'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ErrorCode, errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type House, startHouse } from '../../../test/support/house.ts'
import { html, prose } from './html.ts'

const codes = Object.keys(errorCatalogue) as ErrorCode[]
const browser = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }
const script = 'document.title = "inline"'

let folder: string
let house: House
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-pages-'))
  await mkdir(join(folder, 'site/guides'), { recursive: true })
  await mkdir(join(folder, 'site/assets/chunks'), { recursive: true })
  await writeFile(join(folder, 'secret.html'), 'SECRET')
  await writeFile(join(folder, 'site/.hidden.html'), 'SECRET')
  await writeFile(join(folder, 'site/index.html'), `<title>Start</title><script>${script}</script>`)
  await writeFile(join(folder, 'site/guides/keys.html'), '<title>Keys</title>')
  await writeFile(join(folder, 'site/guides/index.html'), '<title>Guides</title>')
  await writeFile(join(folder, 'site/guides/keys.md'), '# Keys')
  await writeFile(join(folder, 'site/assets/chunks/theme.DhX3k_9a.js'), 'export const theme = 1')
  house = await startHouse({ overrides: { siteFolder: join(folder, 'site') } })
})
afterAll(async () => {
  await house.stop()
  await rm(folder, { recursive: true, force: true })
})

const open = (path: string, headers: Record<string, string> = browser) =>
  fetch(house.url + path, { headers, redirect: 'manual' })

/** The path as it is written, which fetch would tidy up first. */
const openRaw = (path: string): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(house.url)
    const asked = httpRequest({ host: hostname, port, path, headers: browser }, (answer) => {
      let text = ''
      answer.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    asked.on('error', reject)
    asked.end()
  })

describe('the home page', () => {
  it('shows a browser the first call with the address it came by', async () => {
    const answer = await open('/')
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('vary')).toBe('accept')
    expect(await answer.text()).toContain(`curl ${house.url}/v1/chat/completions`)
  })

  it('tells a program where things are', async () => {
    const answer = await open('/', { accept: '*/*' })
    expect(await answer.json()).toMatchObject({
      name: 'Headgate',
      api: `${house.url}/v1`,
      errors: `${house.url}/errors.json`,
    })
  })

  it('has links that all lead somewhere', async () => {
    const page = await (await open('/')).text()
    for (const [, path = ''] of page.matchAll(/(?:href|src)="(\/[^"#]*)"/g)) {
      // Its own feature answers this one.
      if (path === '/openapi.json' || path === '/docs/api') continue
      expect((await open(path)).status, path).toBe(200)
    }
  })

  it('never repeats a Host that could do harm in a page or a shell', async () => {
    const { hostname, port } = new URL(house.url)
    for (const host of ['a"onload=alert(1)', 'x;rm', '$(id)', '`id`', 'a'.repeat(300)]) {
      const text = await new Promise<string>((resolve, reject) => {
        const asked = httpRequest({ host: hostname, port, path: '/', headers: { ...browser, host } }, (answer) => {
          let body = ''
          answer.on('data', (chunk: Buffer) => {
            body += chunk.toString()
          })
          answer.on('end', () => resolve(body))
        })
        asked.on('error', reject)
        asked.end()
      })
      expect(text).not.toContain(host)
      expect(text).toContain(house.url)
    }
  })
})

describe('error pages', () => {
  it.each(codes)('%s has its page, and the address in an answer opens it', async (code) => {
    const entry = errorCatalogue[code]
    const answer = await open(`/docs/errors/${code.replaceAll('_', '-')}`)
    expect(answer.status).toBe(200)
    const page = await answer.text()
    for (const words of [code, entry.id, `HTTP ${entry.http}`, entry.severity]) expect(page).toContain(words)
    for (const words of [entry.title, entry.developer, entry.user, ...entry.causes, ...entry.resolutions])
      expect(page).toContain(prose(words).markup)
  })

  it('are where a refused call says', async () => {
    const refused = await fetch(`${house.url}/v1/models`)
    const { error } = (await refused.json()) as { error: { doc_url: string; code: string } }
    const page = await fetch(error.doc_url, { headers: browser })
    expect(page.status).toBe(200)
    expect(await page.text()).toContain(error.code)
  })

  it('are found by code and id too, and say so for text readers', async () => {
    for (const name of ['budget_exceeded', 'HG-3002', 'hg-3002'])
      expect((await open(`/docs/errors/${name}`)).headers.get('location')).toBe('/docs/errors/budget-exceeded')
    const text = await open('/docs/errors/budget-exceeded.md')
    expect(text.headers.get('content-type')).toContain('text/markdown')
    expect(await text.text()).toMatch(/^# Budget exceeded\n[^]*HG-3002/)
  })

  it('say what is not catalogued in the form the reader takes', async () => {
    const page = await open('/docs/errors/no-such-thing')
    expect(page.status).toBe(404)
    expect(await page.text()).toContain('There is no such page')
    const program = await open('/docs/errors/no-such-thing', { accept: 'application/json' })
    expect(((await program.json()) as { error: { code: string } }).error.code).toBe('route_not_found')
  })

  it('stand on one page and in one document', async () => {
    const page = await (await open('/docs/errors')).text()
    const { errors } = (await (await open('/errors.json')).json()) as { errors: { code: string; doc_url: string }[] }
    expect(errors.map(({ code }) => code).sort()).toEqual([...codes].sort())
    for (const { doc_url } of errors) expect(page).toContain(`href="${doc_url}"`)
  })

  it('are not sent again to a reader who has them', async () => {
    for (const path of ['/errors.json', '/docs/errors', '/docs/', '/assets/pages.css']) {
      const etag = (await open(path)).headers.get('etag') ?? ''
      const again = await open(path, { ...browser, 'if-none-match': `W/${etag}` })
      expect([again.status, await again.text()], path).toEqual([304, ''])
    }
  })
})

describe('the documentation', () => {
  it('answers pages by their bare names, folders and text twins', async () => {
    expect(await (await open('/docs/guides/keys')).text()).toContain('Keys')
    expect((await open('/docs')).headers.get('location')).toBe('/docs/')
    expect((await open('/docs/guides')).headers.get('location')).toBe('/docs/guides/')
    expect(await (await open('/docs/guides/')).text()).toContain('Guides')
    expect((await open('/docs/guides/keys.md')).headers.get('content-type')).toContain('text/markdown')
  })

  it('keeps files named by their digest for ever, and asks for all others again', async () => {
    const cacheOf = async (path: string) => (await open(path)).headers.get('cache-control')
    expect(await cacheOf('/docs/assets/chunks/theme.DhX3k_9a.js')).toBe('public, max-age=31536000, immutable')
    const page = await (await open('/')).text()
    const versioned = /href="(\/assets\/pages\.css\?v=[^"]+)"/.exec(page)?.[1] ?? ''
    expect(await cacheOf(versioned)).toBe('public, max-age=31536000, immutable')
    for (const path of [
      '/docs/',
      '/docs/guides/keys.md',
      '/assets/pages.css',
      '/assets/pages.css?v=other',
      '/errors.json',
    ])
      expect(await cacheOf(path), path).toBe('no-cache')
  })

  it('lets a page run its own scripts only', async () => {
    const policy = (await open('/docs/')).headers.get('content-security-policy') ?? ''
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(script))).toString('base64')
    expect(policy).toContain(`script-src 'self' 'sha256-${digest}'`)
    for (const path of ['/docs/', '/', '/docs/errors', '/docs/errors/bad-http', '/docs/nothing']) {
      const { headers } = await open(path)
      expect(headers.get('content-security-policy'), path).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
      expect(headers.get('content-security-policy'), path).not.toMatch(/script-src[^;]*unsafe/)
      expect(headers.get('x-content-type-options'), path).toBe('nosniff')
    }
  })

  it.each([
    '/docs/../secret.html',
    '/docs/%2e%2e/secret.html',
    '/docs/..%2fsecret.html',
    '/docs/guides/../../secret.html',
    '/docs/guides/%2e%2e%2f%2e%2e%2fsecret.html',
    '/docs/..%5csecret.html',
    '/docs//secret.html',
    '/docs/.hidden.html',
    '/docs/guides/..;/secret.html',
    '/assets/..%2fpackage.json',
    '/assets/%2e%2e%2fpackage.json',
  ])('gives away nothing outside its folder: %s', async (path) => {
    const { status, text } = await openRaw(path)
    expect(status).toBe(404)
    expect(text).not.toMatch(/SECRET|"dependencies"/)
  })
})

it('says how to build the documentation where it is not built', async () => {
  const bare = await startHouse({ overrides: { siteFolder: join(folder, 'absent') } })
  try {
    const page = await fetch(`${bare.url}/docs/`, { headers: browser })
    expect(page.status).toBe(200)
    const text = await page.text()
    expect(text).toContain('npm run docs:build')
    expect(text).toContain('href="/docs/errors"')
    expect((await fetch(`${bare.url}/docs/guides/keys`, { headers: browser })).status).toBe(404)
  } finally {
    await bare.stop()
  }
})

it('escapes what is not markup', () => {
  expect(html`<p title="${'"<&\''}">${[html`<b>${1}</b>`, '<i>']}${null}${false}</p>`.markup).toBe(
    '<p title="&quot;&lt;&amp;&#39;"><b>1</b>&lt;i&gt;</p>',
  )
  expect(prose('Use `<a>` & go').markup).toBe('Use <code>&lt;a&gt;</code> &amp; go')
})
