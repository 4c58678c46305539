import { searchPath } from '../../config/env.ts'
import type { Config } from '../../config/schema.ts'
import { lookForEngines } from '../../features/providers/local/local.ts'
import type { Finding } from './finding.ts'

/** Which engines this machine has for `local_engines`; one that is absent is no fault. */
export const checkEngines = async ({ local_engines }: Config): Promise<Finding[]> => {
  const engines = await lookForEngines(searchPath())
  return engines.map(({ model, found, version, source }): Finding => {
    const check = `engines.${model}`
    if (!found)
      return { check, state: 'skipped', message: `This machine has no ${model}.`, fix: `It comes with the ${source}.` }
    const which = version === null ? model : `${model} ${version}`
    const message = local_engines
      ? `${which} is offered as local/${model}.`
      : `${which} is here; local_engines: true offers it as local/${model}.`
    return { check, state: 'ok', message }
  })
}
