import type { Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'
import { settingsOptions } from './provider-settings.ts'
import type { ProviderOptions } from './provider-options.ts'
import type { ProviderRow } from './providers.store.ts'

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** Keys shorter than this show nothing of themselves. */
const SHORTEST_HINTED = 16
const HINT_CHARACTERS = 4

const placeOf = (name: string, column: 'api_key' | 'headers'): SealedPlace => ({
  purpose: 'provider-secrets',
  table: 'providers',
  row: name,
  column,
})

const secretOf = (text: string) => ({ reveal: () => text })

/** The end of a key, by which who has it knows which it is; null where it is too short to show any of it. */
export const hintOf = (key: string): string | null =>
  key.length >= SHORTEST_HINTED ? key.slice(-HINT_CHARACTERS) : null

/** Turns what an operator gave into columns; what is not given stays. */
export const createProviderSecrets = ({ seal, open }: SealPort) => ({
  /** Keys are sealed as one text, a line each; the hint is of the first. */
  keyColumns: async (transaction: Transaction, name: string, keys: readonly string[]) => ({
    api_key: keys.length === 0 ? null : await seal(transaction, placeOf(name, 'api_key'), keys.join('\n')),
    api_key_hint: hintOf(keys[0] ?? ''),
  }),

  headerColumns: async (transaction: Transaction, name: string, headers: Readonly<Record<string, string>> | null) => {
    const names = Object.keys(headers ?? {}).sort()
    const sealed =
      names.length === 0 ? null : await seal(transaction, placeOf(name, 'headers'), JSON.stringify(headers))
    return { headers: sealed, header_names: names }
  },

  /** How a stored provider is reached. @throws SealBroken when its secrets do not open. */
  optionsOf: async (read: Read, row: ProviderRow): Promise<ProviderOptions> => {
    const sealed = row.api_key && (await open(read, placeOf(row.name, 'api_key'), row.api_key))
    const [key, ...more] = sealed?.split('\n').map(secretOf) ?? []
    const headers = row.headers && (await open(read, placeOf(row.name, 'headers'), row.headers))
    return {
      kind: row.kind,
      baseUrl: row.base_url ?? undefined,
      streamUsage: row.stream_usage,
      ...settingsOptions(row.settings),
      ...(row.api_version !== null && { apiVersion: row.api_version }),
      ...(key !== undefined && { apiKey: key }),
      ...(more.length > 0 && { moreKeys: more }),
      ...(headers !== null && {
        headers: Object.fromEntries(
          Object.entries(JSON.parse(headers) as Record<string, string>).map(([name, value]) => [name, secretOf(value)]),
        ),
      }),
    }
  },
})

export type ProviderSecrets = ReturnType<typeof createProviderSecrets>
