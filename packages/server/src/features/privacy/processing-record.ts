import type { ProcessingRecord } from '@headgate/contract/privacy.ts'
import { type Activity, activities, type ColumnKind, type TableMap } from './data-map.ts'

/** Somebody outside to whom data goes. */
export interface Recipient {
  readonly name: string
  readonly host: string
  /** ISO 3166-1; null: not known. */
  readonly country: string | null
}

/** What has to be known beside the data map. */
export interface RecordFacts {
  readonly now: number
  /** Model providers that may be called. */
  readonly recipients: readonly Recipient[]
}

const dataOf: Partial<Readonly<Record<ColumnKind, string>>> = {
  person: 'names or numbers that an app gives to people',
  content: 'what people write to models and what they get back',
  usage: 'what people did, when, how much of it, and what it cost',
  operator: 'names of operators, and what they did',
}
const isOfUsers = (kind: ColumnKind): boolean => kind === 'person' || kind === 'content' || kind === 'usage'

/** Activities in which what people write leaves the house. */
const passesOn: readonly Activity[] = ['answering', 'conversations']

const security = [
  'What people write and get, provider keys and header values are sealed (AES-256-GCM) under keys of each project, which are wrapped under the root key.',
  'Each project sees its own rows only: row-level security of PostgreSQL, forced, for a role without the right to go around it.',
  'Keys and sessions are stored as keyed digests; comparison takes constant time.',
  'What operators do is recorded in the transaction of the change, and each of their routes asks for a permission of their role.',
]
const toBeAdded = [
  'Name and contact of the controller, of a representative and of the data protection officer: Article 30(1)(a).',
  'The legal basis of each activity, and whether people have to give the data.',
  'Transfers to third countries by the providers named, and their safeguards: Article 30(1)(e).',
  'Organisational measures: who may hold the admin key and the root key, training, contracts with processors.',
]

/**
 * The record of processing activities, as far as the schema and the configuration say it. Its parts are those of Article 30(1) of
 * Regulation (EU) 2016/679 (GDPR): https://eur-lex.europa.eu/eli/reg/2016/679/oj
 */
export const processingRecord = (
  map: Readonly<Record<string, TableMap>>,
  { now, recipients }: RecordFacts,
): ProcessingRecord => ({
  object: 'processing_record',
  generated_at: new Date(now).toISOString(),
  activities: (Object.keys(activities) as Activity[]).map((activity) => {
    const own = Object.entries(map)
      .filter(([, entry]) => entry.activity === activity)
      .sort(([left], [right]) => (left < right ? -1 : 1))
    const kinds = new Set(own.flatMap(([, { columns }]) => Object.keys(columns) as ColumnKind[]))
    return {
      activity,
      purpose: activities[activity],
      people: [
        ...([...kinds].some(isOfUsers) ? ['people who use the app'] : []),
        ...(kinds.has('operator') ? ['operators'] : []),
      ],
      data: [...kinds].flatMap((kind) => dataOf[kind] ?? []),
      tables: own.map(([table]) => table),
      kept: own.map(([table, { kept }]) => `${table}: ${kept}`),
      recipients: passesOn.includes(activity) ? [...recipients] : [],
    }
  }),
  security,
  to_be_added: toBeAdded,
})
