import type { ProcessingRecord } from '@headgate/contract/privacy.ts'
import type { ZipMember } from '../../kernel/zip.ts'
import type { Person } from './erasures.store.ts'

/** What an archive tells of a table. */
export interface TableCount {
  readonly table: string
  readonly purpose: string
  readonly kept: string
  readonly rows: number
}

/** What the page tells. */
interface Told {
  readonly person: Person
  readonly request: string
  readonly madeAt: Date
  readonly tables: readonly TableCount[]
  readonly members: readonly ZipMember[]
  readonly record: ProcessingRecord
  readonly withheld: Readonly<Record<string, string>>
}

/** More files are in the archive, and in the manifest. */
const MOST_FILES = 500

const signs: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const text = (value: string | number): string => String(value).replace(/[&<>"']/g, (sign) => signs[sign] as string)
const code = (value: string): string => text(value).replace(/`([^`]*)`/g, '<code>$1</code>')
const link = (name: string, label = name): string =>
  `<a href="${text(name.split('/').map(encodeURIComponent).join('/'))}">${text(label)}</a>`
const title = (table: string): string => {
  const words = table.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
const size = (bytes: number): string => {
  const units = ['bytes', 'KiB', 'MiB', 'GiB']
  const step = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return `${step === 0 ? bytes : (bytes / 1024 ** step).toFixed(1)} ${units[step]}`
}

const style = `
:root { color-scheme: light dark; --ink: #1c2430; --dim: #5b6675; --paper: #f6f7f9; --card: #fff; --line: #dfe3e8; --link: #0b5cad }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --dim: #9aa5b4; --paper: #12161c; --card: #1b212a; --line: #2c3542; --link: #7fb8f5 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, sans-serif }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem }
h1 { margin: 0 0 .25rem; font-size: 1.9rem; line-height: 1.2; text-wrap: balance }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.2rem }
p { max-width: 44rem; margin: .5rem 0 }
a { color: var(--link) }
small, .dim { color: var(--dim) }
section, .card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; overflow-x: auto }
table { width: 100%; border-collapse: collapse }
th, td { padding: .65rem 1rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line) }
thead th { border-top: 0; color: var(--dim); font-size: .85rem; font-weight: 600 }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.files { white-space: nowrap }
td small { display: block }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere }
ul { margin: .5rem 0; padding-left: 1.25rem }
`

const tableRow = ({ table, purpose, kept, rows }: TableCount): string => `<tr>
<th scope="row">${text(title(table))}<small>${code(purpose)}</small></th>
<td class="number">${rows}</td>
<td>${code(kept)}</td>
<td class="files">${link(`data/${table}.csv`, 'CSV')} · ${link(`data/${table}.jsonl`, 'JSON Lines')}</td>
</tr>`

const fileRow = ({ name, bytes }: ZipMember): string =>
  `<tr><td>${link(name, name.slice('assets/'.length))}</td><td class="number">${size(bytes)}</td></tr>`

const grid = (heads: readonly string[], rows: readonly string[]): string =>
  `<section><table><thead><tr>${heads.map((head) => `<th scope="col">${head}</th>`).join('')}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></section>`

/**
 * The page by which a person finds their way through their export, without a script or anything from elsewhere. Tells what Article
 * 15(1) of the GDPR asks for beside the data: purposes, recipients, how long it is kept, where it comes from, which rights there are.
 */
export const exportPage = ({ person, request, madeAt, tables, members, record, withheld }: Told): string => {
  const files = members.filter(({ name }) => name.startsWith('assets/'))
  const recipients = [
    ...new Set(record.activities.flatMap((one) => one.recipients.map(({ name, host }) => `${name} (${host})`))),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your data</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Your data</h1>
<p class="dim">Everything that is held of <strong>${text(person.user)}</strong> in <strong>${text(person.project)}</strong>, as of
<time datetime="${madeAt.toISOString()}">${madeAt.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>.</p>
<h2>What is here</h2>
${
  tables.length === 0
    ? '<p>Nothing is held of you.</p>'
    : grid(['What', 'Entries', 'How long it stays', 'Files'], tables.map(tableRow))
}
${
  files.length === 0
    ? ''
    : `<h2>Your files</h2>
${grid(['File', 'Size'], files.slice(0, MOST_FILES).map(fileRow))}
${files.length > MOST_FILES ? `<p>${files.length - MOST_FILES} more are in the folder <code>assets</code>.</p>` : ''}`
}
<h2>Why it is held</h2>
<ul>
${record.activities
  .filter(({ people }) => people.includes('people who use the app'))
  .map(({ purpose }) => `<li>${text(purpose)}.</li>`)
  .join('\n')}
</ul>
<h2>Where it comes from, and to whom it goes</h2>
<p>It comes from you: from what you wrote in the app, and from your use of it.
${
  recipients.length === 0
    ? 'It is passed on to nobody.'
    : `What you write to a model is passed on to the model’s provider: ${text(recipients.join(', '))}.`
}</p>
<h2>Your rights</h2>
<p>You may have it corrected, erased or restricted, object to its use, take it elsewhere in these formats, and complain to the
authority for data protection where you live. Ask whoever runs the app.</p>
<h2>What is not here</h2>
<ul>
${Object.entries(withheld)
  .map(([table, because]) => `<li>${text(title(table))}: <span class="dim">${text(because)}</span></li>`)
  .join('\n')}
</ul>
<h2>Whether it is whole</h2>
<p>${link('manifest.json')} lists every file with its SHA-256. Its signature is verified with
<code>openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in manifest.json -sigfile manifest.sig</code>.</p>
<p><small>Request ${text(request)}</small></p>
</main>
</body>
</html>
`
}
