import type { Dpia } from '@headgate/contract/privacy-dpia.ts'
import type { RetentionPeriods } from '../../kernel/aged.ts'
import type { ConsentRules } from './consent/consents.ts'
import { type RetentionClass, retentionClasses, type TableMap } from './data-map.ts'
import { processingRecord, type RecordFacts } from './processing-record.ts'

/** What of the configuration an assessment turns on. */
export interface DpiaFacts extends RecordFacts {
  readonly periodsOf: (name: RetentionClass) => RetentionPeriods
  readonly consent: ConsentRules
  /** Projects whose prompts and answers are logged. */
  readonly loggedProjects: readonly string[]
  /** Whether a model learns memories from sessions, and whether they count without being accepted. */
  readonly learns: boolean
  readonly acceptsAll: boolean
  /** Days within which requests of people are promised to be answered. */
  readonly targetDays: number
}

const unsaid = { likelihood: null, severity: null, residual: null } as const
const risks: Dpia['risks'] = [
  {
    risk: 'Prompts and answers become known to a provider, or to others through it.',
    measures: [
      'Providers are configured one by one, and named in the record.',
      'Safety checks redact secrets and personal data before a call, where they are on.',
      'Local models can answer without any provider.',
    ],
    ...unsaid,
  },
  {
    risk: 'Somebody reads the database, its files, or a backup.',
    measures: [
      'Contents are sealed (AES-256-GCM) under keys of each project and person; the root key stands elsewhere.',
      'Backups are encrypted to age recipients.',
      'An erasure destroys the key of the person, wherever copies are.',
    ],
    ...unsaid,
  },
  {
    risk: 'One app or person sees the data of another.',
    measures: ['Row-level security is forced on every table of projects.', 'Foreign ids are answered as missing ones.'],
    ...unsaid,
  },
  {
    risk: 'Operators look at, or change, more than they should.',
    measures: ['Roles with permissions for each route.', 'A hash-chained audit, copied out and signed.'],
    ...unsaid,
  },
  {
    risk: 'People cannot have their data, or have it go.',
    measures: [
      'Requests for access, portability and erasure, with times of the law and alerts.',
      'Erasure in passes until a scan finds nothing, with a signed receipt, again after a backup was restored.',
    ],
    ...unsaid,
  },
  {
    risk: 'Answers or memories about a person are wrong, or are used against them.',
    measures: ['People read, correct and delete their memories.', 'Memories go before calls as data, never as orders.'],
    ...unsaid,
  },
]

const findingsOf = (facts: DpiaFacts): string[] => {
  const keptForEver = retentionClasses.filter((name) => facts.periodsOf(name).days === 0)
  const unknown = facts.recipients.filter(({ country }) => country === null).map(({ name }) => name)
  return [
    ...(keptForEver.length > 0
      ? [`Kept for ever, unless people or apps delete it: ${keptForEver.join(', ')} (\`retention.days\`).`]
      : []),
    ...(unknown.length > 0
      ? [`The country is not known of: ${unknown.join(', ')} (\`privacy.recipient_countries\`).`]
      : []),
    ...(facts.loggedProjects.length > 0
      ? [`Prompts and answers are logged of: ${facts.loggedProjects.join(', ')} (\`body_log.projects\`).`]
      : []),
    ...(facts.learns && !facts.consent.optIn.includes('memory_learning')
      ? ['Sessions are learned from without a consent before (`privacy.opt_in_purposes`).']
      : []),
    ...(facts.learns && facts.acceptsAll
      ? ['What is learned from sessions is remembered without a person who accepts it (`memories.auto_accept`).']
      : []),
  ]
}

const necessityOf = ({ consent, targetDays, periodsOf }: DpiaFacts): string[] => [
  'People are known by the names that the app gives them; no others are asked for.',
  ...retentionClasses
    .filter((name) => periodsOf(name).days > 0)
    .map((name) => `Of ${name}, nothing is kept for more than ${periodsOf(name).days} days after it was last changed.`),
  ...(consent.optIn.length > 0 ? [`Done only with a consent: ${consent.optIn.join(', ')}.`] : []),
  ...(consent.gpc.length > 0 ? [`Ended by the Global Privacy Control of a browser: ${consent.gpc.join(', ')}.`] : []),
  `Requests of people are to be answered within ${targetDays} days.`,
]

/** The data of an assessment by Article 35(7) of Regulation (EU) 2016/679 (GDPR), as far as the schema and the configuration say it. */
export const dpia = (map: Readonly<Record<string, TableMap>>, facts: DpiaFacts): Dpia => ({
  object: 'dpia',
  generated_at: new Date(facts.now).toISOString(),
  processing: processingRecord(map, facts),
  necessity: necessityOf(facts),
  retention: retentionClasses.map((name) => {
    const { days, projectDays } = facts.periodsOf(name)
    return { class: name, days, project_days: { ...projectDays } }
  }),
  findings: findingsOf(facts),
  risks,
  to_be_added: [
    'The legitimate interest that is pursued, where that is the basis: Article 35(7)(a).',
    'Why the processing is needed and proportionate for its purposes: Article 35(7)(b).',
    'How likely and how grave each risk is, and what stays of it; further risks of your app: Article 35(7)(c).',
    'The advice of the data protection officer, and the views of people: Article 35(2) and (9).',
  ],
})
