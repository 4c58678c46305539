import { formatUsd } from '../packages/server/src/domain/money.ts'
import type { Price } from '../packages/server/src/domain/price.ts'
import { knownModels } from '../packages/server/src/features/matrix/known-models.ts'
import type { KnownModel } from '../packages/server/src/features/matrix/known/known-model.ts'
import { memberOf } from '../packages/server/src/features/matrix/presentation.ts'
import { notMeasured } from '../packages/server/src/features/matrix/table.ts'
import { createPrices, libraryVersion, type PricedProvider } from '../packages/server/src/features/metering/prices.ts'
import { csvText } from '../packages/server/src/kernel/csv.ts'

const kinds: Readonly<Record<string, PricedProvider>> = {
  anthropic: { kind: 'anthropic' },
  gemini: { kind: 'gemini' },
}
const other: PricedProvider = { kind: 'openai' }
const priceOf = createPrices({ overrides: new Map(), providerOf: (name) => kinds[name] ?? other })

/** The price of a family in the library as installed, on the day on which its facts were read; null where it has none. */
const libraryPrice = ({ example, sources: [source] }: KnownModel): Price | null => {
  if (example === null || source === undefined) return null
  const slash = example.indexOf('/')
  const [provider, model] = [example.slice(0, slash), example.slice(slash + 1)]
  const target = { name: example, provider, model, operations: [], maxOutputTokens: null, contextTokens: null }
  const operation = model.includes('embedding') ? 'embeddings' : 'chat'
  return priceOf(target, Date.parse(source.read), operation)
}

/** One family as data: what is not known is null. */
const entryOf = (known: KnownModel) => {
  const { facts } = known
  const price = libraryPrice(known)
  return {
    title: known.title,
    names: known.names.source,
    example: known.example,
    input: facts.input ?? null,
    output: facts.output ?? null,
    context_tokens: facts.contextTokens ?? null,
    max_output_tokens: facts.maxOutputTokens ?? null,
    tools: facts.tools ?? null,
    structured_output: facts.structuredOutput ?? null,
    licence: facts.licence ?? null,
    attribution: facts.attribution ?? null,
    usd_input_per_million: price && formatUsd(price.inputPerMillion),
    usd_output_per_million: price && formatUsd(price.outputPerMillion),
    measured: null,
    sources: known.sources.map((source) => ({
      facts: source.facts.map((fact) => memberOf[fact]),
      url: source.url,
      read: source.read,
    })),
  }
}
type Entry = ReturnType<typeof entryOf>

const words = (list: readonly string[] | null): string => list?.join(', ') ?? ''
const told = (value: string | number | boolean | null): string =>
  value === null ? '' : value === true ? 'yes' : value === false ? 'no' : String(value)

const rowOf = (entry: Entry): string[] => [
  entry.title,
  words(entry.input),
  words(entry.output),
  told(entry.context_tokens),
  told(entry.max_output_tokens),
  told(entry.tools),
  told(entry.structured_output),
  told(entry.usd_input_per_million),
  told(entry.usd_output_per_million),
  told(entry.licence),
  told(entry.attribution),
  notMeasured,
  entry.sources.map(({ url, read }, index) => `[${index + 1}](${url}) ${read}`).join(', '),
]

const head = [
  'Model',
  'Takes',
  'Gives',
  'Context',
  'Most output',
  'Tools',
  'JSON schema',
  'USD per million in',
  'USD per million out',
  'Licence',
  'To be shown',
  'TTFT, tokens/s',
  'Read at',
]

/** The registry of models as a page, as JSON and as CSV: paths from the root, and texts. */
export const modelPages = (
  page: (...parts: string[]) => string,
  table: (head: string[], rows: string[][]) => string,
): [string, string][] => {
  const entries = knownModels.map(entryOf)
  const columns = Object.keys(entries[0] ?? {}).filter((name) => name !== 'sources')
  const rows = entries.map((entry) => {
    const { sources, measured, ...rest } = entry
    const cells = Object.values({ ...rest, measured: measured ?? notMeasured }).map((value) =>
      Array.isArray(value) ? value.join(' ') : (value as string | number | boolean | null),
    )
    return [...cells, sources.map(({ url, read }) => `${url} (${read})`).join(' ')]
  })
  return [
    [
      'docs/reference/models.md',
      page(
        '# Models',
        'What Headgate knows of models by itself; an empty cell is not known, which is never a no. A running house says over it what is configured, adds what its providers list, the prices in effect, and what it measured: `GET /v1/models`, `GET /admin/v1/models` ([guide](../guides/models.md)). The same as [JSON](models.json) and [CSV](models.csv).',
        `Prices are those of \`${libraryVersion}\`, of short prompts. TTFT and tokens per second are measured by each house for itself.`,
        table(head, entries.map(rowOf)),
      ),
    ],
    ['docs/reference/models.json', `${JSON.stringify({ object: 'list', data: entries }, null, 1)}\n`],
    ['docs/reference/models.csv', csvText([...columns, 'sources'], rows)],
  ]
}
