import { providerSettings } from '../../compose/options.ts'
import type { Config } from '../../config/schema.ts'
import type { Secrets } from '../../config/secrets.ts'
import { standUp } from '../../features/providers/registry.ts'
import { asAppError } from '../../http/fail.ts'
import { silentLog } from '../../kernel/log.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Finding, reasonOf } from './finding.ts'

const PATIENCE_MS = 15_000

/** Whether each configured provider answers with its key: asks for its list of models, which costs nothing. */
export const checkProviders = async (config: Config, secrets: Secrets): Promise<Finding[]> => {
  const settings = providerSettings(config, secrets, systemClock)
  const all = Object.entries(settings.configs).filter(([, { kind }]) => kind !== 'demo')
  if (all.length === 0)
    return [{ check: 'providers', state: 'ok', message: 'No provider is configured but the simulated one, if any.' }]
  return Promise.all(
    all.map(async ([name, options]): Promise<Finding> => {
      const check = `providers.${name}`
      const { provider } = standUp(name, options, settings, silentLog)
      try {
        const models = await provider.listModels(AbortSignal.timeout(PATIENCE_MS))
        return { check, state: 'ok', message: `${name} answers and lists ${models.length} models.` }
      } catch (thrown) {
        const { code } = asAppError(thrown)
        return {
          check,
          state: 'fault',
          message: `${name} does not serve: ${reasonOf(thrown)}`,
          fix:
            code === 'provider_auth_failed'
              ? 'Set its key anew.'
              : 'Is its base_url right, and can this machine reach it?',
          ...(code !== 'internal_error' && { code }),
          page: 'guides/configuration',
        }
      } finally {
        await provider.close()
      }
    }),
  )
}
