import type { Feature } from '../../kernel/feature.ts'
import type { ConfigurationPorts } from './configuration.ports.ts'
import { configurationRoutes } from './configuration.routes.ts'

/** The operator's view of the configuration in effect, and the way to change it while calls run. */
export const createConfiguration = (ports: ConfigurationPorts): Feature => ({
  name: 'configuration',
  routes: configurationRoutes(ports),
})
