import type { TableMap } from '../data-map.ts'

const deleted = (personColumn: string) => ({ personColumn, erasure: 'delete' }) as const

/** What is remembered about people, and what they agreed to. */
export const rememberedTables: Readonly<Record<string, TableMap>> = {
  consents: {
    activity: 'security',
    purpose: 'What people agreed to and withdrew, and what shows it; entries are added, never changed.',
    kept: 'until the person is erased',
    ...deleted('subject'),
    columns: {
      person: ['subject'],
      operator: ['noted_by'],
      technical: ['project_id', 'consent_id', 'policy_version', 'source'],
      content: ['sealed'],
      usage: ['purpose', 'decision', 'given_at', 'noted_at'],
    },
  },
  memories: {
    activity: 'conversations',
    purpose: 'What is remembered about people; the words that it is found by are not sealed.',
    kept: 'until the person or the app deletes it, or `expires_at`; at most `retention.days.memories` after it was last said',
    ends: { as: 'memories', from: 'confirmed_at' },
    ...deleted('subject'),
    columns: {
      person: ['subject'],
      technical: ['project_id', 'memory_id', 'state', 'version', 'digest'],
      content: ['sealed', 'search', 'kind', 'scope'],
      usage: ['confidence', 'created_at', 'updated_at', 'confirmed_at', 'expires_at'],
    },
  },
  memory_sources: {
    activity: 'conversations',
    purpose: 'What said what is remembered, by keyed digests.',
    kept: 'as long as the memory',
    ...deleted('subject'),
    columns: { person: ['subject'], technical: ['project_id', 'memory_id', 'source_type', 'reference'] },
  },
  memory_extractions: {
    activity: 'conversations',
    purpose: 'What is to be learned from sessions, and what came of it.',
    kept: '7 days after it ended',
    ...deleted('subject'),
    columns: {
      person: ['subject'],
      technical: [
        ...['project_id', 'extraction_id', 'key_id', 'session_id', 'scope', 'state', 'attempts', 'held_until', 'fault'],
      ],
      usage: ['proposed', 'known', 'created_at', 'ended_at'],
    },
  },
  memory_rejections: {
    activity: 'conversations',
    purpose: 'What a person did not want remembered, by a keyed digest.',
    kept: '365 days',
    ...deleted('subject'),
    columns: { person: ['subject'], technical: ['project_id', 'digest'], usage: ['rejected_at'] },
  },
  memory_vectors: {
    activity: 'conversations',
    purpose: 'Vectors by which memories are found; not sealed.',
    kept: 'as long as the memory',
    ...deleted('subject'),
    columns: {
      person: ['subject'],
      technical: ['project_id', 'memory_id', 'model', 'scale'],
      content: ['vector'],
    },
  },
}
