import type { Read, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'
import type { ProviderOptions } from './registry.ts'
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

/** Turns what an operator gave into columns; what is not given stays. */
export const createProviderSecrets = ({ seal, open }: SealPort) => ({
  keyColumns: async (transaction: Transaction, name: string, key: string | null) => ({
    api_key: key === null ? null : await seal(transaction, placeOf(name, 'api_key'), key),
    api_key_hint: key !== null && key.length >= SHORTEST_HINTED ? key.slice(-HINT_CHARACTERS) : null,
  }),

  headerColumns: async (transaction: Transaction, name: string, headers: Readonly<Record<string, string>> | null) => {
    const names = Object.keys(headers ?? {}).sort()
    const sealed =
      names.length === 0 ? null : await seal(transaction, placeOf(name, 'headers'), JSON.stringify(headers))
    return { headers: sealed, header_names: names }
  },

  /** How a stored provider is reached. @throws SealBroken when its secrets do not open. */
  optionsOf: async (read: Read, row: ProviderRow): Promise<ProviderOptions> => {
    const key = row.api_key && (await open(read, placeOf(row.name, 'api_key'), row.api_key))
    const headers = row.headers && (await open(read, placeOf(row.name, 'headers'), row.headers))
    return {
      kind: row.kind,
      baseUrl: row.base_url ?? undefined,
      streamUsage: row.stream_usage,
      ...(key !== null && { apiKey: secretOf(key) }),
      ...(headers !== null && {
        headers: Object.fromEntries(
          Object.entries(JSON.parse(headers) as Record<string, string>).map(([name, value]) => [name, secretOf(value)]),
        ),
      }),
    }
  },
})

export type ProviderSecrets = ReturnType<typeof createProviderSecrets>
