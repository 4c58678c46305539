import type { Config } from '../config/schema.ts'
import type { EngineLook } from '../features/providers/local/local.ts'
import { addressOf } from './address.ts'

/** Secrets that were made on a first start and are shown this once. */
export interface FirstStart {
  readonly adminKey?: string
  readonly key?: string
}

/** What this machine has, then what it has not, and what would bring it. */
const engineLines = (engines: readonly EngineLook[]): readonly string[] => {
  const found = engines.filter((engine) => engine.found)
  const names = found.map(({ model, version }) => (version === null ? `local/${model}` : `local/${model} (${version})`))
  return [
    `  Engines    ${names.length === 0 ? 'none found' : names.join(', ')}`,
    ...engines.flatMap((engine) => (engine.found ? [] : [`             no ${engine.model}: ${engine.source}`])),
  ]
}

/**
 * Prints where Headgate listens and, on a first start, the keys that were made and a call that works. Only outside
 * production and staging, where standard output is a log and no place for secrets.
 */
export const greet = (
  config: Config,
  port: number,
  promise: string,
  made: FirstStart,
  { workers = 1, engines = null }: { readonly workers?: number; readonly engines?: readonly EngineLook[] | null } = {},
): void => {
  if (config.profile === 'production' || config.profile === 'staging') return
  const url = addressOf(config, port)
  const lines = ['', `  Headgate   ${url}`, `  Store      ${promise}`, `  Data       ${config.data_dir}`]
  if (workers > 1) lines.push(`  Workers    ${workers}`)
  if (engines !== null) lines.push(...engineLines(engines))
  if (made.adminKey)
    lines.push(`  Admin key  ${made.adminKey}   (shown once; "headgate admin reset-key" makes a new one)`)
  if (made.key) lines.push(`  API key    ${made.key}   (shown once; "headgate keys create" makes more)`)
  const key = made.key ?? '$HEADGATE_API_KEY'
  lines.push(
    '',
    '  Try it:',
    '',
    `  curl ${url}/v1/chat/completions -H "Authorization: Bearer ${key}" -H "Content-Type: application/json" -d '{"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}'`,
    '',
    '',
  )
  process.stdout.write(lines.join('\n'))
}
