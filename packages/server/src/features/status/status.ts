import type { Feature } from '../../kernel/feature.ts'
import type { StatusPorts } from './status.ports.ts'
import { statusRoutes } from './status.routes.ts'

/** Health and metrics of this process. */
export const createStatus = (ports: StatusPorts): Feature => ({ name: 'status', routes: statusRoutes(ports) })
