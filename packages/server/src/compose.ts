import { fileURLToPath } from 'node:url'
import packageDescription from '../package.json' with { type: 'json' }
import { addressOf } from './compose/address.ts'
import type { FirstStart } from './compose/greeting.ts'
import {
  adaptProviders,
  hideSecrets,
  outputCapMember,
  priceOverrides,
  providerDefaults,
  routingConfig,
  targetNamed,
  usualAddress,
} from './compose/options.ts'
import type { Storage } from './compose/storage.ts'
import { createWatch } from './compose/watch.ts'
import { ollamaAddress } from './config/provider-presets.ts'
import { isLoopback } from './config/profiles.ts'
import type { Config } from './config/schema.ts'
import type { Secrets } from './config/secrets.ts'
import { createAdmission } from './features/admission/admission.ts'
import { createAudit } from './features/audit/audit.ts'
import { createGateway } from './features/gateway/gateway.ts'
import { withOutputCap } from './features/gateway/openai-wire.ts'
import { createIdentity } from './features/identity/identity.ts'
import { createBudgets } from './features/ledger/budgets.store.ts'
import { createLedger } from './features/ledger/ledger.ts'
import { createMetering } from './features/metering/metering.ts'
import { createPages } from './features/pages/pages.ts'
import { createProviders } from './features/providers/providers.ts'
import { createReference } from './features/reference/reference.ts'
import { createStoredProviders } from './features/providers/stored-providers.ts'
import { createRelay } from './features/relay/relay.ts'
import { createCircuits } from './features/routing/circuit.ts'
import { createRouting } from './features/routing/routing.ts'
import { createStatus } from './features/status/status.ts'
import { createClientAddress } from './http/client-address.ts'
import { createEvents } from './http/events.ts'
import { createFail } from './http/fail.ts'
import { describeRoutes } from './http/openapi.ts'
import { createServer, type HttpServer } from './http/server.ts'
import { createSite } from './http/site.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { createCounters } from './kernel/counters.open.ts'
import { AppError } from './kernel/errors.ts'
import { type FaultPoints, noFaults } from './kernel/fault-points.ts'
import type { Feature } from './kernel/feature.ts'
import { prefixedId } from './kernel/ids.ts'
import type { Log } from './kernel/log.ts'
import { createMetrics } from './kernel/metrics.ts'
import { createSeal } from './kernel/seal.ts'

/** What a test may put in the place of the real thing. */
export interface Overrides {
  readonly clock?: Clock
  readonly faultPoints?: FaultPoints
  /** Folder of the built documentation. */
  readonly siteFolder?: string
}

/** What the house is built on. */
export interface Ground extends Overrides {
  readonly config: Config
  readonly secrets: Secrets
  readonly storage: Storage
  readonly log: Log
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined
}

/** The house, standing. */
export interface House {
  readonly server: HttpServer
  /** The OpenAPI document of its routes. */
  readonly describe: () => object
  /** Begins background work, warms caches, and makes what an empty house lacks. */
  readonly start: () => Promise<FirstStart>
  /** Notes that everything is ready, for `/startupz`. */
  readonly started: () => void
  /** Turns `/readyz` away from traffic. */
  readonly beginDraining: () => void
  /** Whether any call is being answered. */
  readonly isBusy: () => boolean
  readonly endCalls: (fault: AppError) => void
  /** Resolves when every settled call is in PostgreSQL. */
  readonly settled: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** The wiring diagram: builds every part, in the order of the walk, and hands each what it needs. */
export const compose = async (ground: Ground): Promise<House> => {
  const { config, secrets, storage, log, clock = systemClock, faultPoints = noFaults } = ground
  const { database } = storage
  const state = { started: false, draining: false, port: config.port }
  const address = () => addressOf(config, state.port)

  // The storey of tools
  const fail = createFail(address)
  const events = createEvents({
    clock,
    commitAfterMs: config.stream.commit_after_ms,
    keepAliveMs: config.stream.keep_alive_ms,
  })
  const metrics = createMetrics({
    streams: events.count,
    ledgerQueue: () => ledger.stats().queued,
    ledgerHolds: () => ledger.stats().openHolds,
    journalDropped: () => ledger.stats().droppedRecords,
    ledgerLost: () => ledger.stats().lostRows,
    ledgerRefused: () => ledger.stats().refusedRows,
  })
  const modelNames = () => [...routing.models().map(({ name }) => name), ...Object.keys(config.models)]
  const watch = createWatch({ config, database, clock, log, metrics, models: modelNames })
  const counters = await createCounters({ kind: config.counters, redisUrl: secrets.redis_url?.reveal(), clock, log })
  const pepper = Buffer.from(secrets.pepper.key.reveal(), 'base64')

  // Who asks, and what they may spend
  const audit = createAudit({ database, clock })
  const identity = createIdentity({
    database,
    clock,
    log,
    pepper: { id: secrets.pepper.id, value: pepper },
    adminKey: secrets.admin_key,
    audit,
    budgets: createBudgets(database, clock.now),
    tiers: Object.keys(config.tiers),
  })
  const ledger = createLedger({
    database,
    journalDirectory: storage.journalDirectory,
    clock,
    faultPoints,
    log,
  })

  // The walk of a call
  const providers = createProviders({
    configs: adaptProviders(config, secrets),
    ollamaAutodetect: config.ollama_autodetect ? ollamaAddress : null,
    ...providerDefaults(config),
    version: packageDescription.version,
    clock,
    log,
    circuit: createCircuits(clock),
    faultPoints,
    changed: (provider) => routing.listAgain(provider),
  })
  const storedProviders = createStoredProviders({
    database,
    seal: createSeal(secrets.root_key),
    audit,
    clock,
    log,
    providers,
    usualAddress,
  })
  const routing = createRouting({
    providers,
    config: routingConfig(config),
    clock,
    log,
  })
  const metering = createMetering({ overrides: priceOverrides(config), providerOf: providers.optionsOf, log })
  const admission = createAdmission({
    counters,
    clock,
    tiers: config.tiers,
    perIp: config.limits.per_ip,
    priceOf: metering.priceOf,
    worstCase: metering.worstCase,
    outputCapMember: outputCapMember((provider) => providers.optionsOf(provider)?.baseUrl),
    requiresOutputCap: ({ provider }) => providers.kindOf(provider) === 'anthropic',
    withOutputCap,
    reserve: ledger.reserve,
    policyKey: pepper,
    log,
  })
  const relay = createRelay({
    clock,
    idleMs: config.timeouts.idle_ms,
    totalMs: config.timeouts.total_ms,
    faultPoints,
    log,
    redact: hideSecrets(providers.secretsOf),
  })
  const gateway = createGateway({
    route: (exchange, request) => routing.choose(exchange.caller, request),
    admit: admission.admit,
    call: providers.call,
    relay: (input) => relay.stream({ ...input, ...providers.optionsOf(input.answer.target.provider)?.timeouts }),
    priceOf: (target, at) => metering.priceOf(targetNamed(target), at),
    costOf: metering.costOf,
    countText: metering.countText,
    estimateInput: metering.estimateInput,
    attemptsOf: providers.attemptsOf,
    monotonic: clock.monotonic,
    onSettled: watch.settled,
    maxBodyBytes: config.body.max_bytes,
  })
  const status = createStatus({
    parts: async () => {
      const reports = features.map(async ({ name, health }) => (health ? [[name, await health()] as const] : []))
      return Object.fromEntries((await Promise.all(reports)).flat())
    },
    isStarted: () => state.started,
    isDraining: () => state.draining,
    metricsArePublic: config.metrics.public || isLoopback(config.host),
    exposeMetrics: metrics.expose,
    metricsContentType: metrics.contentType,
  })

  const pages = createPages({
    publicUrl: config.public_url?.replace(/\/$/, '') ?? null,
    scheme: ground.tls ? 'https' : 'http',
    ownAddress: address,
    documentation: createSite(ground.siteFolder ?? fileURLToPath(new URL('../site', import.meta.url))),
    asset: createSite(fileURLToPath(new URL('../assets', import.meta.url))),
    presentError: (code) => fail.present(new AppError(code), prefixedId('req', clock.now())),
  })
  const describe = () => describeRoutes(routes, packageDescription.version)
  const reference = createReference(describe)

  const features: readonly Feature[] = [
    audit,
    identity,
    ledger,
    ...watch.features,
    providers,
    storedProviders,
    routing,
    admission,
    gateway,
    status,
    reference,
    pages,
  ]
  const routes = features.flatMap((feature) =>
    // The gateway's own calls are counted as they are admitted.
    feature === gateway ? (feature.routes ?? []) : (feature.routes ?? []).map(admission.limitBrowsers),
  )
  const server = createServer({
    routes,
    clock,
    identity,
    strangers: admission,
    clientAddress: createClientAddress(config.trusted_proxies),
    events,
    fail,
    observe: watch.answered,
    ...(ground.tls && { tls: ground.tls }),
  })

  return {
    server: {
      ...server,
      listen: async (host, port) => {
        state.port = await server.listen(host, port)
        return state.port
      },
    },
    describe,
    start: async () => {
      for (const feature of features) await feature.start?.()
      // What is made here is shown on standard output, which in production is a log: there the operator makes the keys.
      if (config.profile === 'production' || config.profile === 'staging') return {}
      const made = await identity.ensureFirstStart()
      return { ...(made.adminKey && { adminKey: made.adminKey }), ...(made.firstKey && { key: made.firstKey.key }) }
    },
    started: () => {
      state.started = true
    },
    beginDraining: () => {
      state.draining = true
    },
    isBusy: events.isBusy,
    endCalls: events.endAll,
    settled: ledger.flush,
    stop: async () => {
      events.stop()
      for (const feature of [...features].reverse()) await feature.stop?.()
      await metering.stop()
    },
  }
}
