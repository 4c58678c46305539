import { Command } from 'commander'
import { createAudit } from '../features/audit/audit.ts'
import { systemClock } from '../kernel/clock.ts'
import { createSeal } from '../kernel/seal.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { withStore } from './open-store.ts'
import { operator } from './operator.ts'
import { writeRecord, writeTable } from './output.ts'

type Given = Record<string, unknown>

/** `headgate encryption status | rotate`: the keys under which secrets are sealed. */
export const encryptionCommand = (): Command => {
  const encryption = new Command('encryption').description('the keys under which stored secrets are sealed')

  addCommonOptions(encryption.command('status'), 'store')
    .description('list the encryption keys, and whether the root key at hand opens them')
    .action(async (given: Given) => {
      const data = await withStore(storeFlagsOf(given), ({ secrets, database }) =>
        database.read('system', createSeal(secrets.root_key).state),
      )
      writeTable(
        outputOf(given),
        {
          object: 'list',
          data: data.map(({ version, createdAt, destroyedAt, dataKeys, opens }) => ({
            version,
            created_at: createdAt.toISOString(),
            destroyed_at: destroyedAt?.toISOString() ?? null,
            data_keys: dataKeys,
            opens,
          })),
        },
        ['version', 'created', 'destroyed', 'data keys', 'opens'],
        data.map(({ version, createdAt, destroyedAt, dataKeys, opens }) => [
          version,
          createdAt.toISOString(),
          destroyedAt?.toISOString() ?? null,
          dataKeys,
          opens ? 'yes' : 'no',
        ]),
      )
    })

  addCommonOptions(encryption.command('rotate'), 'store')
    .description('make a new encryption key, rewrap every data key with it and destroy the former ones')
    .action(async (given: Given) => {
      const { version, rewrapped, destroyed } = await withStore(storeFlagsOf(given), ({ secrets, database }) => {
        const audit = createAudit({ database, clock: systemClock })
        return createSeal(secrets.root_key).rotate(database, (transaction, after) =>
          audit.record(transaction, {
            ...operator,
            action: 'destroyed' in after ? 'encryption_key.rewrapped' : 'encryption_key.created',
            resource: 'encryption_key',
            after,
          }),
        )
      })
      writeRecord(outputOf(given), { version, rewrapped, destroyed }, [
        ['version', version],
        ['rewrapped', rewrapped],
        ['destroyed', destroyed.join(',')],
      ])
    })

  return encryption
}
