import {
  type CreateKey,
  CreateKeySchema,
  type Key,
  type RevokeKey,
  RevokeKeySchema,
  type RotateKey,
  RotateKeySchema,
  type UpdateKey,
  UpdateKeySchema,
} from '@headgate/contract/keys.ts'
import { Command } from 'commander'
import { compileCheck } from '../http/schema-check.ts'
import { addCommonOptions, storeFlagsOf, outputOf } from './command-context.ts'
import { addPeppers } from './keys-pepper.ts'
import { addReport } from './keys-report.ts'
import { operator, withIdentity } from './operator.ts'
import { collectPages } from './pages.ts'
import { type Output, writeRecord, writeTable } from './output.ts'
import { inUsd, rateLine, type Shown } from './shown-currency.ts'

type Given = Record<string, unknown>

const budgetText = ({ budget }: Key, shown: Shown): string | null =>
  budget && `${shown.text(budget.spent_usd)} of ${shown.text(budget.limit_usd)} USD, window ${budget.window}`

const show = (output: Output, key: Key & { readonly key?: string }, shown: Shown = inUsd): void =>
  writeRecord(output, shown.json(key), [
    ['id', key.id],
    ...(key.key === undefined ? [] : [['key', key.key] as const]),
    ['name', key.name],
    ['project', key.project],
    ['kind', key.kind],
    ['tier', key.tier],
    ['state', key.state],
    ['models', key.models?.join(',') ?? 'all'],
    ['origins', key.origins.join(',')],
    ['budget', budgetText(key, shown)],
    ...rateLine(shown),
    ['expires_at', key.expires_at],
    ['created_at', key.created_at],
    ['last_used_at', key.last_used_at],
  ])

const list = (text: unknown): string[] | undefined =>
  typeof text === 'string'
    ? text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    : undefined

/** Drops what was not given, so that the schema sees what a JSON body would hold. */
const given = (members: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))

const budgetOf = (options: Given): unknown => {
  if (options['budget'] === false) return null
  if (options['budgetUsd'] === undefined && options['budgetWindow'] === undefined) return undefined
  return given({ limit_usd: options['budgetUsd'], window: options['budgetWindow'] ?? 'total' })
}

const addSettings = (command: Command): Command =>
  command
    .option('--tier <tier>', 'tier of limits')
    .option('--models <list>', 'models it may use, with commas between')
    .option('--origins <list>', 'origins of the pages that use a publishable key, with commas between')
    .option('--expires-at <time>', 'when it ends, such as 2030-01-31T12:00:00Z')
    .option('--budget-usd <amount>', 'most that it may spend in a window')
    .option('--budget-window <window>', 'total, hour, day or month (UTC)')

const settingsOf = (options: Given): Record<string, unknown> => ({
  tier: options['tier'],
  models: options['models'] === false ? null : list(options['models']),
  origins: list(options['origins']),
  expires_at: options['expiry'] === false ? null : options['expiresAt'],
  budget: budgetOf(options),
})

const addCreate = (keys: Command): void => {
  addCommonOptions(addSettings(keys.command('create').argument('<name>')), 'store')
    .description('create a key; its secret is shown this once')
    .option('--project <id>', 'project it belongs to')
    .option('--kind <kind>', 'secret or publishable')
    .action(async (name: string, options: Given) => {
      const body = given({ name, project: options['project'], kind: options['kind'], ...settingsOf(options) })
      const input = compileCheck(CreateKeySchema)(body) as CreateKey
      show(
        outputOf(options),
        await withIdentity(storeFlagsOf(options), (identity) => identity.keys.create(input, operator)),
      )
    })
}

const addReading = (keys: Command): void => {
  addCommonOptions(keys.command('list'), 'store')
    .description('list all keys, the newest first')
    .option('--project <id>', 'of one project')
    .action(async (options: Given) => {
      const query = given({ project: options['project'] })
      const data = await withIdentity(storeFlagsOf(options), (identity) => collectPages<Key>(identity.keys.list, query))
      writeTable(
        outputOf(options),
        { object: 'list', data },
        ['id', 'name', 'project', 'kind', 'tier', 'state', 'expires', 'last used'],
        data.map((key) => [
          key.id,
          key.name,
          key.project,
          key.kind,
          key.tier,
          key.state,
          key.expires_at,
          key.last_used_at,
        ]),
      )
    })
  addCommonOptions(keys.command('show').argument('<id>'), 'store')
    .description('show one key and the state of its budget')
    .action(async (id: string, options: Given) => {
      await withIdentity(storeFlagsOf(options), async (identity, shown) =>
        show(outputOf(options), await identity.keys.get(id), shown),
      )
    })
}

const addChanging = (keys: Command): void => {
  addCommonOptions(addSettings(keys.command('update').argument('<id>')), 'store')
    .description('change a key; what is not given stays')
    .option('--name <name>', 'its name')
    .option('--no-models', 'allow all models')
    .option('--no-expiry', 'let it never expire')
    .option('--no-budget', 'take its budget away')
    .option('--state <state>', 'active, suspended, deactivated, compromised or destroyed')
    .option('--reason <text>', 'why, for the audit')
    .action(async (id: string, options: Given) => {
      const { name, state, reason } = options
      // Commander turns an absent --no-x into x: true.
      const input = compileCheck(UpdateKeySchema)(given({ name, state, reason, ...settingsOf(options) })) as UpdateKey
      show(
        outputOf(options),
        await withIdentity(storeFlagsOf(options), (identity) => identity.keys.update(id, input, operator)),
      )
    })
  addCommonOptions(keys.command('rotate').argument('<id>'), 'store')
    .description('give a key a new secret; the former one stays valid for the overlap')
    .option('--overlap-seconds <seconds>', 'a day unless given')
    .action(async (id: string, options: Given) => {
      const seconds = options['overlapSeconds']
      const body = given({ overlap_seconds: seconds === undefined ? undefined : Number(seconds) })
      const input = compileCheck(RotateKeySchema)(body) as RotateKey
      show(
        outputOf(options),
        await withIdentity(storeFlagsOf(options), (identity) => identity.keys.rotate(id, input, operator)),
      )
    })
  addCommonOptions(keys.command('revoke').argument('<id>'), 'store')
    .description('end a key at once, on every replica within 5 seconds')
    .option('--reason <text>', 'why, for the audit')
    .option('--compromised', 'its secret has become known to others')
    .action(async (id: string, options: Given) => {
      const body = given({ reason: options['reason'], compromised: options['compromised'] })
      const input = compileCheck(RevokeKeySchema)(body) as RevokeKey
      show(
        outputOf(options),
        await withIdentity(storeFlagsOf(options), (identity) => identity.keys.revoke(id, input, operator)),
      )
    })
}

/** `headgate keys create | list | show | update | rotate | revoke | report`, and what is done with their pepper. */
export const keysCommand = (): Command => {
  const keys = new Command('keys').description('API keys')
  addCreate(keys)
  addReading(keys)
  addChanging(keys)
  addReport(keys)
  addPeppers(keys)
  return keys
}
