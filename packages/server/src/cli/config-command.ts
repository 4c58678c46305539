import { Command } from 'commander'
import { ConfigFaults } from '../config/faults.ts'
import { checkConfig, configJsonSchema, explainConfig } from '../config/explain.ts'
import { addCommonOptions, flagsOf, outputOf } from './command-context.ts'
import { exitCode } from './exit-codes.ts'
import { say, writeJson, writeTable } from './output.ts'

type Given = Record<string, unknown>

/** `headgate config check | explain | schema`: reads the configuration and changes nothing. */
export const configCommand = (): Command => {
  const config = new Command('config').description('check and explain the configuration')

  addCommonOptions(config.command('check'), 'all')
    .description('name everything that is wrong')
    .option('--offline', 'ask no secret manager, and leave unchecked what it holds')
    .action(async (given: Given) => {
      const output = outputOf(given)
      const { ok, faults } = await checkConfig({ flags: flagsOf(given), offline: given['offline'] === true })
      if (output.json) {
        writeJson({ ok, faults })
        if (!ok) process.exitCode = exitCode.configuration
      } else if (!ok) throw new ConfigFaults(faults)
      else say(output, 'The configuration is sound.')
    })

  addCommonOptions(config.command('explain'), 'all')
    .description('show every value in effect and where it came from; secrets are not shown')
    .option('--offline', 'ask no secret manager')
    .action(async (given: Given) => {
      const { options, faults } = await explainConfig({ flags: flagsOf(given), offline: given['offline'] === true })
      writeTable(
        outputOf(given),
        { options, faults },
        ['option', 'value', 'from', 'environment'],
        options.map(({ option, value, where, environment }) => [option, value, where, environment]),
      )
      if (faults.length > 0) throw new ConfigFaults(faults)
    })

  config
    .command('schema')
    .option('--json', 'it is JSON anyway')
    .description('print the JSON Schema of headgate.yaml, for editors')
    .action(() => writeJson(configJsonSchema()))

  return config
}
