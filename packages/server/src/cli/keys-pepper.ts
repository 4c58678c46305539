import type { KeyPeppers } from '@headgate/contract/key-peppers.ts'
import type { Command } from 'commander'
import { AppError } from '../kernel/errors.ts'
import { addCommonOptions, outputOf, storeFlagsOf } from './command-context.ts'
import { operator, withIdentity } from './operator.ts'
import { say, writeTable } from './output.ts'
import { collectPages } from './pages.ts'

type Given = Record<string, unknown>

const generationOf = (text: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new AppError('invalid_parameter', { detail: 'The generation is a whole number, such as 1.' })
  return Number(text)
}

const show = (given: Given, peppers: KeyPeppers): void => {
  writeTable(
    outputOf(given),
    peppers,
    ['generation', 'id', 'state', 'created', 'retired', 'keys'],
    peppers.data.map((one) => [one.generation, one.id, one.state, one.created_at, one.retired_at, one.keys]),
  )
  if (peppers.unknown_keys > 0)
    say(outputOf(given), `${peppers.unknown_keys} keys stand under another root key, and are not recognised.`)
}

/** `headgate keys peppers | rotate-pepper | standing | retire-pepper`. */
export const addPeppers = (keys: Command): void => {
  addCommonOptions(keys.command('peppers'), 'store')
    .description('list the generations of the pepper under which keys are hashed, and how many keys stand under each')
    .action(async (given: Given) =>
      show(given, await withIdentity(storeFlagsOf(given), ({ peppers }) => peppers.list())),
    )
  addCommonOptions(keys.command('rotate-pepper'), 'store')
    .description('make the next generation; keys come under it at their next use, the former one stays accepted')
    .action(async (given: Given) =>
      show(given, await withIdentity(storeFlagsOf(given), ({ peppers }) => peppers.rotate(operator))),
    )
  addCommonOptions(keys.command('standing').argument('<generation>'), 'store')
    .description('name the keys that still stand under a generation, and would be lost with it')
    .action(async (text: string, given: Given) => {
      const generation = generationOf(text)
      const data = await withIdentity(storeFlagsOf(given), ({ peppers }) =>
        collectPages((query) => peppers.standing(generation, query)),
      )
      writeTable(
        outputOf(given),
        { object: 'list', data },
        ['id', 'name', 'project', 'last used'],
        data.map((key) => [key.id, key.name, key.project, key.last_used_at]),
      )
    })
  addCommonOptions(keys.command('retire-pepper').argument('<generation>'), 'store')
    .description('end a former generation; refused with the names of the keys that stand under it')
    .option('--accept-loss', 'end it although keys stand under it: they are recognised no more')
    .action(async (text: string, given: Given) => {
      const generation = generationOf(text)
      const input = { accept_loss: given['acceptLoss'] === true }
      show(given, await withIdentity(storeFlagsOf(given), ({ peppers }) => peppers.retire(generation, input, operator)))
    })
}
