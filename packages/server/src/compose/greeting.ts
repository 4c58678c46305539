import type { Config } from '../config/schema.ts'
import { addressOf } from './address.ts'

/** Secrets that were made on a first start and are shown this once. */
export interface FirstStart {
  readonly adminKey?: string
  readonly key?: string
}

/**
 * Prints where Headgate listens and, on a first start, the keys that were made and a call that works. Only outside
 * production and staging, where standard output is a log and no place for secrets.
 */
export const greet = (config: Config, port: number, promise: string, made: FirstStart, workers = 1): void => {
  if (config.profile === 'production' || config.profile === 'staging') return
  const url = addressOf(config, port)
  const lines = ['', `  Headgate   ${url}`, `  Store      ${promise}`, `  Data       ${config.data_dir}`]
  if (workers > 1) lines.push(`  Workers    ${workers}`)
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
