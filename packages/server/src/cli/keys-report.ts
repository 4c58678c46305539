import {
  type KeyLifecycleQuery,
  KeyLifecycleQuerySchema,
  type KeySummary,
  type RegisteredKey,
} from '@headgate/contract/key-lifecycle.ts'
import type { Command } from 'commander'
import { compileCheck } from '../http/schema-check.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { registerOn } from './key-register-store.ts'
import { type Flags, withStore } from './open-store.ts'
import { writeTable } from './output.ts'

type Given = Record<string, unknown>

/** Everything that fits, page after page, and the counts of all. */
const report = (flags: Flags, query: KeyLifecycleQuery): Promise<{ data: RegisteredKey[]; summary: KeySummary }> =>
  withStore(flags, (store) =>
    registerOn(store, async ({ list, summarise }) => {
      const data: RegisteredKey[] = []
      for (let after: string | null | undefined; after !== null; ) {
        const page = await list({ ...query, limit: '100', ...(after !== undefined && { after }) })
        data.push(...page.data)
        after = page.next_cursor
      }
      return { data, summary: await summarise() }
    }),
  )

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
