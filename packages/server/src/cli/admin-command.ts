import { Command } from 'commander'
import { addCommonOptions, storeFlagsOf, outputOf } from './command-context.ts'
import { operator, withIdentity } from './operator.ts'
import { writeRecord } from './output.ts'

/** `headgate admin reset-key`: replaces the operator's key where the configuration gives none. */
export const adminCommand = (): Command => {
  const admin = new Command('admin').description('the operator’s own access')
  addCommonOptions(admin.command('reset-key'), 'store')
    .description('make a new admin key; the former one ends within 5 seconds')
    .action(async (given: Record<string, unknown>) => {
      const key = await withIdentity(storeFlagsOf(given), (identity) => identity.resetAdminKey(operator))
      writeRecord(outputOf(given), { admin_key: key }, [['admin_key', key]])
    })
  return admin
}
