import { readFileSync } from 'node:fs'
import { errorCatalogue } from '../packages/contract/src/errors/catalogue.ts'
import type { ErrorEntry } from '../packages/contract/src/errors/entry.ts'
import { liveOptions } from '../packages/server/src/config/live-options.ts'
import { environment } from '../packages/server/src/config/env.ts'
import { configJsonSchema } from '../packages/server/src/config/explain.ts'
import { type Node, options } from '../packages/server/src/config/options.ts'
import { metricReference } from '../packages/server/src/kernel/metrics.ts'
import { type DeclaredRoute, declaredRoutes } from './check-architecture.ts'
import { dataMapPage } from './data-map-page.ts'
import { licencePage } from './licence-page.ts'
import { modelPages } from './model-pages.ts'
import { parameterSources, sdkParameters } from './sdk-parameters.ts'
import { isTest, readSources } from './sources.ts'

const notice = '<!-- Written by scripts/generate-reference.ts from the code. Do not edit. -->'
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')
const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')
const page = (...parts: string[]): string => `${[notice, ...parts].join('\n\n')}\n`

const errorPath = (slug: string): string => `docs/errors/${slug.replaceAll('_', '-')}.md`
const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n')
const retries = { no: 'No retry helps.', after: 'Retry after `Retry-After`.', immediately: 'Retry at once.' }

const errorPage = (slug: string, entry: ErrorEntry): string =>
  page(
    `# ${entry.title}`,
    `\`${slug}\` · ${entry.id} · HTTP ${entry.http} · type \`${entry.type}\` · since ${entry.since}`,
    entry.developer,
    `## Why it happens\n\n${list(entry.causes)}`,
    `## What to do\n\n${list(entry.resolutions)}`,
    `## For a client\n\n${retries[entry.retryable]} Offer the person: \`${entry.recovery}\`. Words for them: “${entry.user}”`,
  )

const errorsPage = (errors: [string, ErrorEntry][]): string =>
  page(
    '# Errors',
    'Every error that leaves Headgate. `error.code` on the wire is the code; `type` ends in the page’s name.',
    table(
      ['Code', 'Id', 'HTTP', 'Type', 'Retry', 'Meaning'],
      errors.map(([slug, entry]) => [
        `[\`${slug}\`](../errors/${slug.replaceAll('_', '-')}.md)`,
        entry.id,
        String(entry.http),
        `\`${entry.type}\``,
        entry.retryable,
        entry.title,
      ]),
    ),
  )

const access = { public: 'anyone', caller: 'an API key', admin: 'the operator' } as Record<string, string>

const farewell = ({ since, sunset, successor }: DeclaredRoute['deprecated']): string =>
  since === undefined
    ? ''
    : ` **Deprecated since ${since}${sunset === undefined ? '' : `, ends on ${sunset}`}.**` +
      (successor === undefined ? '' : ` Use \`${successor}\`.`)

/** The page of all routes. */
export const routesPage = (routes: DeclaredRoute[]): string =>
  page(
    '# Routes',
    'Every route and who may call it. An API key is sent as `Authorization: Bearer`, `x-api-key` or `api-key`.',
    'The largest body of each stands in [the OpenAPI document](openapi.json) (`x-max-bytes` of `requestBody`); that of a running Headgate, `/openapi.json`, has the limits of its configuration. A longer one is refused with 413 before a byte of it is read, one sent with `Expect: 100-continue` before it is sent.',
    table(
      ['Method', 'Path', 'Who', 'What it does'],
      routes.map((route) => [
        route.method,
        `\`${route.path}\``,
        access[route.access] ?? '',
        `${route.summary}${farewell(route.deprecated)}`,
      ]),
    ),
  )

/** What stands inside an option that is a map of named entries, such as `providers.<name>.kind`. */
const entryRows = (node: Node, path: string): string[][] => {
  const children = [
    ...Object.entries(node.properties ?? {}),
    ...Object.values(node.patternProperties ?? {}).map((child): [string, Node] => ['<name>', child]),
  ]
  if (children.length === 0) return [[`\`${path}\``, node.enum?.join(', ') ?? node.type ?? '', node.description ?? '']]
  return children.flatMap(([name, child]) => entryRows(child, `${path}.${name}`))
}

const configurationPage = (): string =>
  page(
    '# Configuration',
    'A flag is stronger than the environment, the environment than `.env`, `.env` than `headgate.yaml`, and that than the default.',
    'Changes of options marked _yes_ under Reload take effect with a [reload](../guides/configuration.md#reload), the others with the next start.',
    '## Variables and options',
    table(
      ['Variable', 'Option in `headgate.yaml`', 'Default', 'Reload', 'Meaning'],
      environment.map(({ name, option, default: value, meaning, secret }) => [
        `\`${name}\``,
        option ? `\`${option}\`` : '',
        value ? `\`${value}\`` : '',
        liveOptions.has(option.split('.')[0] ?? '') ? 'yes' : '',
        secret ? `${meaning} Secret.` : meaning,
      ]),
    ),
    '## Named entries',
    'Maps of named entries; as a variable, the whole map is YAML or JSON text.',
    table(
      ['Option', 'Type', 'Meaning'],
      options.flatMap(({ node, path }) => (node.patternProperties ? entryRows(node, path.join('.')) : [])),
    ),
  )

const metricsPage = (): string =>
  page(
    '# Metrics',
    '`GET /metrics` answers in the Prometheus text format; beside these stand the usual metrics of a Node.js process.',
    table(
      ['Metric', 'Type', 'Labels', 'Meaning'],
      metricReference.map(({ name, type, labels, help }) => [
        `\`${name}\``,
        type,
        labels.map((label) => `\`${label}\``).join(', '),
        help,
      ]),
    ),
  )

const parametersPage = (root: string): string =>
  page(
    '# Parameters that are translated',
    'What becomes of each parameter of `POST /v1/chat/completions` when the model’s provider is of kind `anthropic`, `gemini` or `bedrock`. The names are those of the request types of the official SDKs. To a provider of kind `openai`, `azure` or `ollama` everything goes as it was written.',
    'What is _left out_ is named in the header `x-headgate-warning`, unless its value asks for nothing beyond the default; with `strict: true` it is refused instead. What is _refused_ is always answered with [`unsupported_parameter`](../errors/unsupported-parameter.md). Names that no protocol has are left out.',
    ...parameterSources.flatMap((source) => {
      const { version, names } = sdkParameters(root, source)
      return [
        `## ${source.protocol}’s, to \`${source.kind}\`\n\n\`${source.type}\` of \`${source.sdk}\` ${version}.`,
        table(
          ['Parameter', 'Handling', 'Where it goes, or what to do instead'],
          names.map((name) => {
            const rule = source.rules[name]
            if (rule === undefined) throw new Error(`${name} of ${source.sdk} has no rule; run the tests of scripts.`)
            return [`\`${name}\``, rule.handling, rule.note]
          }),
        ),
      ]
    }),
  )

interface BenchmarkRun {
  readonly at: string
  readonly commit: string
  readonly changed: boolean
  readonly node: string
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memory_gib: number }
  readonly figures: readonly { figure: string; value: number; unit: string; most: number | null; least?: number }[]
}

const MOST_RUNS = 8

/** The last runs side by side, the newest first. */
const benchmarksPage = (lines: string): string => {
  const all = lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as BenchmarkRun]))
  const runs = all.slice(-MOST_RUNS).reverse()
  const figures = [...new Set(runs.flatMap((run) => run.figures.map(({ figure }) => figure)))]
  const valueIn = (run: BenchmarkRun, figure: string): string => {
    const found = run.figures.find((one) => one.figure === figure)
    if (!found) return ''
    const missed =
      (found.most !== null && found.value > found.most) || (found.least !== undefined && found.value < found.least)
    return `${missed ? '**' : ''}${found.value} ${found.unit}${missed ? '**' : ''}`
  }
  return page(
    '# Benchmark history',
    'The last runs that were recorded with `npm run bench -- --record`, the newest first; a value beyond its target is bold. Only runs on the same machine compare. [How it is measured](../guides/benchmarks.md).',
    ...(runs.length === 0
      ? ['No run has been recorded yet.']
      : [
          table(
            ['Run', 'Commit', 'Node.js', 'Machine'],
            runs.map((run) => [
              run.at,
              `\`${run.commit}\`${run.changed ? ' with changes' : ''}`,
              run.node,
              `${run.machine.cores} × ${run.machine.cpu}, ${run.machine.memory_gib} GiB`,
            ]),
          ),
          table(
            ['Figure', ...runs.map((run) => run.at.slice(0, 16))],
            figures.map((figure) => [figure, ...runs.map((run) => valueIn(run, figure))]),
          ),
        ]),
  )
}

/** The generated pages: path from the root, and text. */
export const referencePages = (root: string): Map<string, string> => {
  const errors = Object.entries(errorCatalogue).sort(([, left], [, right]) => (left.id < right.id ? -1 : 1))
  const production = readSources(root, 'packages/server/src').filter(
    ({ path }) => path.endsWith('.routes.ts') && !isTest(path),
  )
  const routes = declaredRoutes(production).sort((left, right) =>
    `${left.path} ${left.method}` < `${right.path} ${right.method}` ? -1 : 1,
  )
  return new Map([
    ...modelPages(page, table),
    [
      'docs/reference/benchmarks.md',
      benchmarksPage(readFileSync(`${root}/packages/qa/benchmarks/history.jsonl`, 'utf8')),
    ],
    ['docs/reference/configuration.md', configurationPage()],
    ['docs/reference/data-map.md', page(dataMapPage())],
    ['docs/reference/licences.md', licencePage(root)],
    ['docs/reference/headgate.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
    ['docs/reference/errors.md', errorsPage(errors)],
    ['docs/reference/metrics.md', metricsPage()],
    ['docs/reference/parameters.md', parametersPage(root)],
    ['docs/reference/routes.md', routesPage(routes)],
    ...errors.map(([slug, entry]): [string, string] => [errorPath(slug), errorPage(slug, entry)]),
  ])
}
