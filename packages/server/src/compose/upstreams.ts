import type { Settings } from '../config/config.ts'
import type { Audit } from '../features/audit/audit.ts'
import { createMatrix, type MatrixPorts } from '../features/matrix/matrix.ts'
import { createProviders, type ProvidersOptions } from '../features/providers/providers.ts'
import { createStoredProviders } from '../features/providers/stored-providers.ts'
import { createQueue } from '../features/queue/queue.ts'
import { createCircuits } from '../features/routing/circuit.ts'
import { createRouting, type RoutingOptions } from '../features/routing/routing.ts'
import type { Clock } from '../kernel/clock.ts'
import { countryOfAddress } from '../kernel/countries.ts'
import type { Database } from '../kernel/db.ts'
import type { FaultPoints } from '../kernel/fault-points.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import type { Seal } from '../kernel/seal.ts'
import type { Crew } from './crew.ts'
import { fetchedImages } from './fetched-images.ts'
import { factsOf } from './facts.ts'
import { templateProblems } from '../config/template-faults.ts'
import { providerSettings, queueSettings, routingConfig, usualAddress } from './options.ts'

interface UpstreamsOptions {
  readonly settings: Settings
  readonly crew: Crew
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  readonly audit: Audit
  readonly seal: Seal
  readonly metrics: Metrics
  readonly faultPoints: FaultPoints
  readonly traceHeaders: NonNullable<ProvidersOptions['traceHeaders']>
  readonly costOf: RoutingOptions['costOf']
  readonly priceOf: MatrixPorts['priceOf']
  readonly speeds: MatrixPorts['speeds']
}

/** Builds where calls go: the providers, the places at them, and the way to them. */
export const createUpstreams = (options: UpstreamsOptions) => {
  const { database, clock, log, audit, seal, metrics, faultPoints, traceHeaders } = options
  const { config, secrets } = options.settings
  const circuits = createCircuits(clock)
  const queue = createQueue({
    clock,
    settings: queueSettings(config, options.crew),
    onWaited: (provider, milliseconds) => metrics.queueWait(provider).observe(milliseconds / 1000),
  })
  const images = fetchedImages(config)
  const providers = createProviders({
    ...providerSettings(config, secrets, clock),
    log,
    circuit: circuits,
    gate: queue.gate,
    traceHeaders,
    faultPoints,
    images,
    changed: (provider) => {
      circuits.forget(provider)
      queue.forget(provider)
      routing.listAgain(provider)
    },
  })
  const storedProviders = createStoredProviders({
    database,
    seal,
    audit,
    clock,
    log,
    providers,
    usualAddress,
    templateProblems,
  })
  let routed = routingConfig(config)
  let { models } = config
  const routing = createRouting({
    providers,
    config: () => routed,
    factsOf: (kind, name) => factsOf(models, kind, name).facts,
    clock,
    log,
    isResting: circuits.isResting,
    costOf: options.costOf,
    countryOf: countryOfAddress,
    random: Math.random,
  })

  const matrix = createMatrix({
    list: routing.list,
    find: routing.find,
    all: routing.models,
    factsOf: ({ name, provider }) => factsOf(models, providers.kindOf(provider), name),
    priceOf: options.priceOf,
    speeds: options.speeds,
    clock,
    log,
  })

  return {
    features: [providers, storedProviders, routing, matrix] as const,
    queue,
    providers,
    routing,
    /** Takes over what a reload changes. */
    reread: (next: Pick<Settings, 'config' | 'secrets'>): void => {
      routed = routingConfig(next.config)
      images.reread(next.config)
      models = next.config.models
      providers.reconfigure(providerSettings(next.config, next.secrets, clock))
      queue.reconfigure(queueSettings(next.config, options.crew))
    },
  }
}
