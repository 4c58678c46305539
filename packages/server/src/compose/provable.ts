import { join } from 'node:path'
import type { Page, PageQuery } from '@headgate/contract/keys.ts'
import type { Settings } from '../config/config.ts'
import type { Audit } from '../features/audit/audit.ts'
import type { AccessLists, AuditSettings } from '../features/audit/audit.ports.ts'
import { createTransparency, type Transparency } from '../features/audit/transparency.ts'
import type { Identity } from '../features/identity/identity.ts'
import type { Operators } from '../features/operators/operators.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Log } from '../kernel/log.ts'
import { exchange } from '../kernel/outbound.ts'
import type { Seal } from '../kernel/seal.ts'
import { bucketOf } from './blob-store.ts'
import type { Crew } from './crew.ts'

const SECOND_MS = 1_000

/** What the configuration says of the audit. */
export const auditSettings = ({ config, secrets }: Pick<Settings, 'config' | 'secrets'>): AuditSettings => ({
  origin: config.audit.origin ?? null,
  everyMs: config.audit.checkpoint_seconds * SECOND_MS,
  everyEntries: config.audit.checkpoint_entries,
  file: config.audit.file ?? join(config.data_dir, 'audit-checkpoints.jsonl'),
  webhooks: Object.fromEntries(
    config.audit.webhooks.flatMap((name) => {
      const { url, signing_key } = secrets.receivers[name] ?? {}
      return url === undefined ? [] : [[name, { url: url.reveal(), signingKey: signing_key?.reveal() ?? null }]]
    }),
  ),
  bucket: bucketOf(config.audit.s3, secrets.audit_s3),
  witnesses: config.audit.witnesses,
})

/** Everything of a list, page after page. */
const wholeList = async <Item>(list: (query: PageQuery) => Promise<Page<Item>>): Promise<Item[]> => {
  const items: Item[] = []
  for (let after: string | null | undefined; after !== null; ) {
    const page: Page<Item> = await list({ limit: '100', ...(after !== undefined && { after }) })
    items.push(...page.data)
    after = page.next_cursor
  }
  return items
}

/** Everyone who may do something here. */
export const accessLists = async (
  identity: Pick<Identity, 'keys'>,
  operators: Pick<Operators, 'lists'>,
): Promise<AccessLists> => ({
  operators: await wholeList(operators.lists.operators),
  sessions: await wholeList(operators.lists.sessions),
  keys: await wholeList(identity.keys.list),
})

interface ProvableOptions {
  readonly settings: () => Pick<Settings, 'config' | 'secrets'>
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly seal: Seal
  readonly audit: Audit
  readonly identity: Pick<Identity, 'keys'>
  readonly operators: Pick<Operators, 'lists'>
  readonly crew: Pick<Crew, 'number'>
}

/** Builds what signs the audit and proves what stands in it; the first of the processes of a machine signs. */
export const createProvable = ({ settings, identity, operators, crew, ...rest }: ProvableOptions): Transparency =>
  createTransparency({
    ...rest,
    settings: () => auditSettings(settings()),
    ask: exchange,
    access: () => accessLists(identity, operators),
    isSigner: crew.number === 1,
  })
