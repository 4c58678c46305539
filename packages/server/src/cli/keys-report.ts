import {
  type KeyLifecycleQuery,
  KeyLifecycleQuerySchema,
  type KeySummary,
  type RegisteredKey,
} from '@headgate/contract/key-lifecycle.ts'
import type { Command } from 'commander'
import { rotationSchedule } from '../compose/key-register.ts'
import { createKeySources } from '../compose/key-sources.ts'
import { createAudit } from '../features/audit/audit.ts'
import { createKeyLifecycleService, type KeyLifecycleService } from '../features/key-lifecycle/key-lifecycle.service.ts'
import { createSightings } from '../features/key-lifecycle/sightings.store.ts'
import { createOperators } from '../features/operators/operators.ts'
import { compileCheck } from '../http/schema-check.ts'
import { systemClock } from '../kernel/clock.ts'
import { createSeal } from '../kernel/seal.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { type Flags, withStore } from './open-store.ts'
import { identityOn, withProviderParts } from './operator.ts'
import { writeTable } from './output.ts'

type Given = Record<string, unknown>

/** Runs the register of keys on the configured store: the same functions that the admin API calls. */
const withRegister = <T>(flags: Flags, work: (service: KeyLifecycleService) => Promise<T>): Promise<T> =>
  withStore(flags, (store) =>
    withProviderParts(store, async (providers, stored) => {
      await stored.refresh()
      const { settings, secrets, database } = store
      const pepper = Buffer.from(secrets.pepper.key.reveal(), 'base64')
      const operators = createOperators({
        ...{ database, pepper, clock: systemClock },
        audit: createAudit({ database, clock: systemClock }),
        authenticateAdminKey: identityOn(store).authenticateAdmin,
      })
      const sources = createKeySources({
        ...{ settings: () => settings, database, clock: systemClock, operators, providers },
        seal: createSeal(secrets.seal_roots),
        sightings: createSightings(database, pepper, systemClock.now),
      })
      const schedule = () => rotationSchedule(settings.config)
      return work(createKeyLifecycleService({ sources, schedule, now: systemClock.now }))
    }),
  )

/** Everything that fits, page after page, and the counts of all. */
const report = (flags: Flags, query: KeyLifecycleQuery): Promise<{ data: RegisteredKey[]; summary: KeySummary }> =>
  withRegister(flags, async ({ list, summarise }) => {
    const data: RegisteredKey[] = []
    for (let after: string | null | undefined; after !== null; ) {
      const page = await list({ ...query, limit: '100', ...(after !== undefined && { after }) })
      data.push(...page.data)
      after = page.next_cursor
    }
    return { data, summary: await summarise() }
  })

/** `headgate keys report`. */
export const addReport = (keys: Command): void => {
  addCommonOptions(keys.command('report'), 'store')
    .description('list every key and secret that Headgate uses: state, age, last use, end, and when it is due')
    .option('--kind <kind>', 'of one kind, such as api_key, provider_key, encryption_key or pepper')
    .option('--state <state>', 'in one state, such as active, retiring or expired')
    .option('--due <due>', 'soon or overdue')
    .option('--strict', 'end with 1 where a key is overdue')
    .action(async (given: Given) => {
      const wanted = ['kind', 'state', 'due'].flatMap((name) =>
        given[name] === undefined ? [] : [[name, given[name]] as const],
      )
      const query = compileCheck(KeyLifecycleQuerySchema)(Object.fromEntries(wanted)) as KeyLifecycleQuery
      const { data, summary } = await report(storeFlagsOf(given), query)
      writeTable(
        outputOf(given),
        { object: 'list', data, summary },
        ['kind', 'id', 'label', 'owner', 'state', 'created', 'last used', 'expires', 'rotation due', 'due', 'note'],
        data.map((key) => [
          ...[key.kind, key.id, key.label, key.owner, key.state, key.created_at, key.last_used_at, key.expires_at],
          ...[key.rotation_due_at, key.due === 'no' ? null : key.due, key.note],
        ]),
      )
      if (given['strict'] === true && summary.overdue > 0) process.exitCode = exitCode.failed
    })
}
