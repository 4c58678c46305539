import { Command } from 'commander'
import type { Encryption } from '@headgate/contract/encryption.ts'
import { createAudit } from '../features/audit/audit.ts'
import { createEncryptionService, type EncryptionService } from '../features/encryption/encryption.service.ts'
import { systemClock } from '../kernel/clock.ts'
import { createSeal } from '../kernel/seal.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { type Flags, withStore } from './open-store.ts'
import { operator } from './operator.ts'
import { writeRecord, writeTable } from './output.ts'

type Given = Record<string, unknown>

/** Data keys in use are skipped and tried again after so long. */
const PAUSE_MS = 200

const withEncryption = <T>(flags: Flags, work: (service: EncryptionService) => Promise<T>): Promise<T> =>
  withStore(flags, ({ secrets, database }) => {
    const { record } = createAudit({ database, clock: systemClock })
    return work(createEncryptionService({ database, seal: createSeal(secrets.seal_roots), record }))
  })

const writeKeys = (given: Given, encryption: Encryption): void =>
  writeTable(
    outputOf(given),
    encryption,
    ['version', 'root', 'state', 'created', 'destroyed', 'data keys', 'opens'],
    encryption.keys.map(
      ({ version, root, state, created_at: created, destroyed_at: destroyed, data_keys: uses, opens }) => [
        ...[version, root, state, created, destroyed, uses],
        opens ? 'yes' : 'no',
      ],
    ),
  )

/** Rewraps until nothing is left, also where running servers take part; tells how far it is, a line each second at most. */
const finish = async (service: EncryptionService, given: Given): Promise<Encryption> => {
  let toldAt = 0
  for (;;) {
    await service.rewrap()
    const now = await service.show()
    const { remaining, rewrapped, data_keys: all } = now.rotation
    if (remaining === 0) return now
    if (given['json'] !== true && Date.now() - toldAt > 1_000) {
      toldAt = Date.now()
      process.stderr.write(`${rewrapped} of ${all} data keys rewrapped\n`)
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}

const destroyFormer = async (service: EncryptionService, { keys }: Encryption): Promise<number[]> => {
  const former = keys.filter(({ state }) => state === 'deactivated').map(({ version }) => version)
  for (const version of former.sort((left, right) => left - right)) await service.destroy(version, operator)
  return former
}

const addRotate = (encryption: Command): void => {
  addCommonOptions(encryption.command('rotate'), 'store')
    .description('make a new encryption key, rewrap every data key with it and destroy the former ones')
    .option('--no-wait', 'leave rewrapping to the running servers, and destroy nothing')
    .option('--keep', 'destroy nothing')
    .action(async (given: Given) => {
      const result = await withEncryption(storeFlagsOf(given), async (service) => {
        const begun = await service.rotate(operator)
        if (given['wait'] === false) return { ...begun.rotation, destroyed: [] }
        const done = await finish(service, given)
        const destroyed = given['keep'] === true ? [] : await destroyFormer(service, done)
        return { ...done.rotation, destroyed }
      })
      const { version, rewrapped, remaining, destroyed } = result
      writeRecord(outputOf(given), { version, rewrapped, remaining, destroyed }, [
        ['version', version],
        ['rewrapped', rewrapped],
        ['remaining', remaining],
        ['destroyed', destroyed.join(',')],
      ])
    })
}

/** `headgate encryption status | rotate | rewrap | destroy`: the keys under which everything is sealed. */
export const encryptionCommand = (): Command => {
  const encryption = new Command('encryption').description('the keys under which everything is sealed')
  addCommonOptions(encryption.command('status'), 'store')
    .description(
      'list the encryption keys: what wraps them, how many data keys each wraps, whether a root at hand opens them',
    )
    .action(async (given: Given) => writeKeys(given, await withEncryption(storeFlagsOf(given), ({ show }) => show())))
  addRotate(encryption)
  addCommonOptions(encryption.command('rewrap'), 'store')
    .description('go on with a rotation that was broken off')
    .action(async (given: Given) =>
      writeKeys(given, await withEncryption(storeFlagsOf(given), (service) => finish(service, given))),
    )
  addCommonOptions(encryption.command('destroy'), 'store')
    .description('destroy a former version; refused while it wraps a data key')
    .argument('<version>', 'version of the encryption key')
    .action(async (text: string, given: Given) =>
      writeKeys(given, await withEncryption(storeFlagsOf(given), ({ destroy }) => destroy(Number(text), operator))),
    )
  return encryption
}
