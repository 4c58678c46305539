import { type ErrorCode, errorCatalogue } from '@headgate/contract/errors/catalogue.ts'
import type { ErrorEntry, RecoveryAction, Retryable, Severity } from '@headgate/contract/errors/entry.ts'
import { codeBlock, type Html, html, prose } from './html.ts'
import type { PagesPorts } from './pages.ports.ts'
import type { Page } from './shell.ts'

/** The page name of a code: `budget-exceeded` of `budget_exceeded`. */
export const pageNameOf = (code: string): string => code.replaceAll('_', '-')

const entries = (Object.entries(errorCatalogue) as [ErrorCode, ErrorEntry][]).sort(([, left], [, right]) =>
  left.id < right.id ? -1 : 1,
)

/** The code of a page's name; also told by the code itself or by its id, such as `HG-3002`. */
export const codeNamed = (name: string): ErrorCode | undefined =>
  entries.find(([code, { id }]) => pageNameOf(code) === name || code === name || id === name.toUpperCase())?.[0]

const families: readonly (readonly [digit: string, title: string, guide: readonly [path: string, name: string]])[] = [
  ['1', 'Who is calling', ['/docs/guides/keys', 'Keys and projects']],
  ['2', 'The request', ['/docs/guides/chat', 'Chat']],
  ['3', 'Limits and money', ['/docs/guides/limits', 'Limits']],
  ['4', 'Models and providers', ['/docs/guides/chat', 'Chat']],
  ['5', 'Storage', ['/docs/guides/operations', 'Operations']],
  ['6', 'Safety', ['/docs/', 'Documentation']],
  ['7', 'Headgate itself', ['/docs/guides/operations', 'Operations']],
  ['8', 'Clients', ['/docs/', 'Documentation']],
]
const familyOf = ({ id }: ErrorEntry) => families.find(([digit]) => digit === id[3])

const severities: Readonly<Record<Severity, string>> = {
  info: 'Nobody has to act.',
  warning: 'The caller has to act.',
  error: 'The operator should look in time.',
  critical: 'The operator must act now.',
}
const retries: Readonly<Record<Retryable, string>> = {
  no: 'The same request fails again: do not retry it.',
  after: 'Retry after the time in `Retry-After`, waiting longer each time.',
  immediately: 'Retry at once; it usually works.',
}
const retryTags: Readonly<Record<Retryable, string>> = {
  no: 'no retry',
  after: 'retry after a wait',
  immediately: 'retry at once',
}
const recoveries: Readonly<Record<RecoveryAction, string>> = {
  retry: 'a button that tries again',
  wait: 'a countdown, then a button that tries again',
  sign_in: 'signing in again',
  fix_request: 'a way to change what was entered',
  shorten: 'a way to shorten what was entered',
  switch_model: 'another model',
  upgrade: 'a larger plan or budget',
  contact_support: 'a way to reach support, with the request id',
}

const list = (sentences: readonly string[]): Html =>
  html`<ul>${sentences.map((one) => html`<li>${prose(one)}</li>`)}</ul>`

const example = (code: ErrorCode, present: PagesPorts['presentError']): Html => {
  const { status, headers, body } = present(code)
  // 499 is the log's word for a caller who has left: nobody is there to be answered.
  if (status === 499)
    return html`<p>Nobody reads this one: the caller has left. It stands in the log and in the metrics.</p>`
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`)
  return html`<p>This is the whole answer: RFC 9457 problem details whose member <code>error</code> is the object that OpenAI’s
SDKs read. Inside a stream that has begun, that object comes as the last event, and no <code>[DONE]</code> follows.</p>
${codeBlock(`HTTP/1.1 ${status}\ncontent-type: application/json; charset=utf-8\n${head.join('')}\n${JSON.stringify(body, null, 2)}`)}`
}

/** The page of one error, from the catalogue. */
export const errorPage = (code: ErrorCode, present: PagesPorts['presentError']): Page => {
  const entry = errorCatalogue[code]
  const family = familyOf(entry)
  const related = entries.filter(([other, { id }]) => other !== code && id[3] === entry.id[3])
  return {
    title: `${entry.title} (${entry.id})`,
    place: '/docs/errors',
    main: html`<article>
<p class="crumbs"><a href="/docs/errors">Errors</a> / ${family?.[1] ?? 'Other'}</p>
<h1>${entry.title}</h1>
<ul class="facts"><li><code>${code}</code></li><li>${entry.id}</li><li>HTTP ${entry.http}</li>
<li class="severity-${entry.severity}">${entry.severity}</li><li>${retryTags[entry.retryable]}</li><li>since ${entry.since}</li></ul>
<p class="lead">${prose(entry.developer)}</p>
<h2 id="causes">Why it happens</h2>
${list(entry.causes)}
<h2 id="fixes">What to do</h2>
${list(entry.resolutions)}
<h2 id="client">In your client</h2>
<p>${prose(retries[entry.retryable])} Offer ${recoveries[entry.recovery]}. Words for the person in front of it:</p>
<p class="said">${entry.user}</p>
<h2 id="operator">For the operator</h2>
<p>Severity <b>${entry.severity}</b>: ${severities[entry.severity]} The metric <code>headgate_errors_total{code="${code}"}</code>
counts it, and each answer’s <code>request_id</code> finds its line in the log.</p>
<h2 id="answer">What is sent</h2>
${example(code, present)}
<h2 id="more">See also</h2>
<ul>${family && html`<li><a href="${family[2][0]}">${family[2][1]}</a> in the documentation</li>`}
<li><a href="/docs/guides/troubleshooting">Troubleshooting</a></li>
${related.map(([other, { title, id }]) => html`<li><a href="/docs/errors/${pageNameOf(other)}">${title}</a> (${id})</li>`)}</ul>
</article>`,
  }
}

/** The same page for programs that read text. */
export const errorText = (code: ErrorCode): string => {
  const entry = errorCatalogue[code]
  const lines = (sentences: readonly string[]) => sentences.map((sentence) => `- ${sentence}`).join('\n')
  return `# ${entry.title}

\`${code}\` · ${entry.id} · HTTP ${entry.http} · type \`${entry.type}\` · severity ${entry.severity} · since ${entry.since}

${entry.developer}

## Why it happens

${lines(entry.causes)}

## What to do

${lines(entry.resolutions)}

## In your client

${retries[entry.retryable]} Offer ${recoveries[entry.recovery]}. Words for the person in front of it: “${entry.user}”
`
}

/** All errors, by family. */
export const errorsPage = (): Page => ({
  title: 'Errors',
  place: '/docs/errors',
  main: html`<h1>Errors</h1>
<p class="lead">Every error that can leave Headgate. <code>error.code</code> in the answer is the code here, and its
<code>doc_url</code> opens the code’s page. For programs: <a href="/errors.json">errors.json</a>.</p>
<input class="filter" type="search" hidden placeholder="Find by code, status or words" aria-label="Find an error">
${families.map(([digit, title]) => {
  const members = entries.filter(([, { id }]) => id[3] === digit)
  return (
    members.length > 0 &&
    html`<section data-family aria-labelledby="family-${digit}"><h2 id="family-${digit}">${title}</h2>
<table class="collapsing"><thead><tr><th scope="col">Code</th><th scope="col">HTTP</th><th scope="col">Id</th><th scope="col">Retry</th><th scope="col">Meaning</th></tr></thead>
<tbody>${members.map(
      ([
        code,
        entry,
      ]) => html`<tr><td><a href="/docs/errors/${pageNameOf(code)}"><code>${code}</code></a></td><td>${entry.http}</td><td>${entry.id}</td>
<td>${entry.retryable}</td><td>${entry.title}</td></tr>`,
    )}</tbody></table></section>`
  )
})}`,
})

/** The catalogue as data; addresses are relative to this server. */
export const errorsDocument = {
  errors: entries.map(([code, entry]) => ({ code, ...entry, doc_url: `/docs/errors/${pageNameOf(code)}` })),
}
