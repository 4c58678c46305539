import { ConfigSchema, ReloadSchema } from '@headgate/contract/configuration.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { ConfigurationPorts } from './configuration.ports.ts'

/** Declares what operators can see of the configuration and do with it. */
export const configurationRoutes = ({ options, reload, state }: ConfigurationPorts): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/config',
    access: 'admin',
    permission: 'config:read',
    summary: 'Shows every option in effect and where it came from; secrets are `***`.',
    reference: { operationId: 'getConfiguration', tag: 'Configuration', answer: ConfigSchema },
    handle: () => {
      const { restart, last } = state()
      return {
        kind: 'json',
        value: {
          object: 'config',
          options: options().map(({ option, value, source, where, reload: live, environment = null }) => ({
            option,
            value,
            source,
            where,
            reload: live,
            environment,
          })),
          restart_required: restart,
          last_reload: last && {
            at: new Date(last.at).toISOString(),
            actor: last.actor,
            outcome: last.faults.length === 0 ? 'done' : 'refused',
            faults: last.faults,
          },
        },
      }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/config/reload',
    access: 'admin',
    permission: 'config:write',
    summary: 'Reads the configuration anew and takes over what can change while calls run.',
    reference: {
      operationId: 'reloadConfiguration',
      tag: 'Configuration',
      description: 'A configuration with faults changes nothing; the answer then names every fault with its place.',
      answer: ReloadSchema,
      errors: ['config_invalid'],
    },
    handle: async ({ actor, requestId }) => {
      const { changed, restart } = await reload({ actor, requestId })
      return { kind: 'json', value: { object: 'config_reload', changed, restart_required: restart } }
    },
  }),
]
