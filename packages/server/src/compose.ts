import { fileURLToPath } from 'node:url'
import packageDescription from '../package.json' with { type: 'json' }
import { createBookkeeping } from './compose/bookkeeping.ts'
import { createCallers, peppersOf } from './compose/callers.ts'
import { createChanges } from './compose/changes.ts'
import { createDiagnostics } from './compose/diagnostics.ts'
import { createGeneration, type GenerationGround } from './compose/generation.ts'
import { alone } from './compose/crew.ts'
import { createGenerations } from './compose/generations.ts'
import { createGuards } from './compose/guards.ts'
import { createProvable } from './compose/provable.ts'
import { createOrigins } from './compose/provenance.ts'
import { createKeyRegister } from './compose/key-register.ts'
import { createKept } from './compose/kept.ts'
import { createUpstreams } from './compose/upstreams.ts'
import { createWarmth } from './compose/warmth.ts'
import { createWatch } from './compose/watch.ts'
import { createHints } from './compose/hints.ts'
import { createWork } from './compose/work.ts'
import type { Settings } from './config/config.ts'
import { createAudit } from './features/audit/audit.ts'
import { createBudgetRules } from './features/ledger/budget-rules.ts'
import { settleLeftJournals } from './features/ledger/journal-left.ts'
import { createLedger } from './features/ledger/ledger.ts'
import { createTokenCounter } from './features/metering/count-tokens.ts'
import { createReference } from './features/reference/reference.ts'
import { describeRoutes } from './http/openapi.ts'
import { createProjectPolicies } from './features/safety/project-policies.ts'
import { createServer } from './http/server.ts'
import { createSite } from './http/site.ts'
import { systemClock } from './kernel/clock.ts'
import { createCounters } from './kernel/counters.open.ts'
import { noFaults } from './kernel/fault-points.ts'
import type { Feature } from './kernel/feature.ts'
import { createMetrics } from './kernel/metrics.ts'
import { createSeal } from './kernel/seal.ts'
import { createEncryption } from './features/encryption/encryption.ts'
import type { Ground, House } from './compose/house.ts'

/** The wiring diagram: the ground that stays, and the generation on it that a reload replaces. */
export const compose = async (given: Ground): Promise<House> => {
  const { storage, log, clock = systemClock, faultPoints = noFaults, crew = alone } = given
  const { secrets } = given.settings
  const { database } = storage
  const state = { started: false, draining: false, port: given.settings.config.port }
  const generations = createGenerations({
    adopt: (next) => adopt(next),
    replace: (door) => server.replace(door),
  })
  const { current } = generations
  const settings = () => current().settings

  // Tools
  const guards = createGuards({
    config: given.settings.config,
    clock,
    log,
    metrics: () => metrics,
    tell: (event) => void watch.tell(event),
    letGo: () => {
      tokens.rest()
      for (const { relieve } of [...features, ...generations.all().flatMap(({ own }) => own)]) relieve?.()
    },
  })
  const work = createWork({
    streams: generations.streams,
    kept: () => kept.streams.held(),
    clock,
    ledger: () => ledger,
    queue: () => queue,
    privacy: () => kept.privacy,
  })
  const hints = createHints(given, {
    ...{ settings, queue: () => queue, record: (...entry) => audit.record(...entry) },
    tell: (event) => void watch.tell(event),
  })
  const gauges = { ...guards.gauges, ...work.gauges, ...hints.gauges }
  const metrics = createMetrics(
    gauges,
    () => queue.read(),
    hints.labels,
    () => keyRegister.readings(),
  )
  const audit = createAudit({ database, clock, written: (seq) => provable.written(seq) })
  const seal = createSeal(secrets.seal_roots)
  const watch = createWatch({
    config: given.settings.config,
    settings,
    secrets,
    version: packageDescription.version,
    database,
    clock,
    log,
    audit,
    metrics,
    seal,
    findings: async () => [...(await keyRegister.findings()), ...(await kept.privacy.findings())],
    models: () => [...routing.models().map(({ name }) => name), ...Object.keys(settings().config.models)],
  })
  const counters = await createCounters({
    kind: given.settings.config.counters,
    redisUrl: secrets.redis_url?.reveal(),
    database,
    databaseIsShared: secrets.database_url !== undefined,
    door: crew.count,
    clock,
    log,
  })
  const tokens = createTokenCounter(log)

  // Who asks, and what they may spend
  const pepperOf = peppersOf(secrets.root_key)
  const pepper = pepperOf(1)
  const callers = createCallers({ settings, database, clock, log, audit, pepperOf, counters })
  const { identity, operators, people } = callers
  const provable = createProvable({ settings, database, clock, log, seal, audit, identity, operators, crew })
  const ledger = createLedger({
    database,
    journalDirectory: storage.journalDirectory,
    clock,
    faultPoints,
    log,
    onBudgetAlert: watch.budgetAlert,
    standingsOf: (caller, user) => budgetRules.standings.ofCaller(caller, user),
  })
  const budgetRules = createBudgetRules({ database, clock, log, audit, configured: given.settings.config.budgets })
  const kept = await createKept({
    ...{ config: given.settings.config, settings, database, seal, crew, clock, log, metrics, audit },
    ...{ redisUrl: secrets.redis_url?.reveal(), pepper: pepper.value, port: () => state.port },
    ...{ current, keys: identity.keys, isDraining: () => state.draining, countText: tokens.countText },
    ...{ budgetRules, ledger, secrets, providers: () => providers },
  })

  const safetyPolicies = createProjectPolicies({
    ...{ database, clock, log, record: audit.record, hasProject: identity.projects.exists },
    configured: () => settings().config.safety,
  })
  const provenance = createOrigins(given.settings, pepper.value, { settings, database, seal, audit, clock, log })

  // Where calls go
  const upstreams = createUpstreams({
    settings: given.settings,
    ...{ crew, database, clock, log, audit, seal, metrics, faultPoints },
    traceHeaders: watch.traceHeaders,
    costOf: (...call) => current().costOf(...call),
    priceOf: (...call) => current().priceOf(...call),
    speeds: watch.speeds,
  })
  const { providers, routing, queue } = upstreams
  const bookkeeping = createBookkeeping({
    ...{ database, clock, log, faultPoints, audit, identity, budgetRules },
    providerOf: providers.optionsOf,
    config: () => settings().config,
  })

  const warmth = createWarmth({ clock, database, identity, providers, settings: () => settings().config.warm })

  // What is configured, and how that changes
  const adopt = (next: Settings): void => {
    upstreams.reread(next)
    watch.reread(next.config)
    guards.reread(next.config)
    if (next.tls) server.present(next.tls)
  }
  const { reload, configuration } = createChanges({
    ...{ settings, generations, database, audit, clock, log, crew },
    read: given.read,
    build: (next) => createGeneration(ground, next),
    follow: async (next) => {
      await people.refresh()
      await Promise.all([routing.reread(), budgetRules.configure(next.config.budgets)])
    },
  })

  const diagnostics = createDiagnostics({
    config: () => settings().config,
    dataDirectory: given.settings.config.data_dir,
    version: packageDescription.version,
    database,
    clock,
    log,
    audit,
    guards,
    isDraining: () => state.draining,
    work: work.read,
  })
  const describe = () => describeRoutes(current().door.routes, packageDescription.version)
  const reference = createReference(describe)

  const keyRegister = createKeyRegister({
    ...{ settings, database, clock, log, seal, identity, operators, providers, crew },
    pepper: pepper.value,
  })

  const features: readonly Feature[] = [
    provable,
    ...callers.features,
    ledger,
    budgetRules,
    ...bookkeeping,
    ...Object.values(kept),
    createEncryption({ database, clock, log, seal, record: audit.record }),
    safetyPolicies,
    provenance,
    ...watch.features,
    ...upstreams.features,
    configuration,
    reference,
    guards,
    diagnostics,
    keyRegister,
    ...hints.features,
  ]
  const ground: GenerationGround = {
    database,
    audit,
    clock,
    faultPoints,
    log,
    pepper: pepper.value,
    counters,
    identity,
    operators,
    people,
    ...kept,
    ledger,
    budgetRules,
    tokens,
    provenance,
    safetyPolicies,
    providers,
    routing,
    metrics,
    watch,
    guards,
    bodies: work.bodies,
    crew,
    files: {
      documentation: createSite(given.siteFolder ?? fileURLToPath(new URL('../site', import.meta.url))),
      asset: createSite(fileURLToPath(new URL('../assets', import.meta.url))),
    },
    features,
    warm: warmth.report,
    isStarted: () => state.started,
    isDraining: () => state.draining,
    port: () => state.port,
  }
  generations.begin(createGeneration(ground, given.settings))
  const server = createServer({ ...current().door, ...(given.settings.tls && { tls: given.settings.tls }) })

  return {
    server: {
      ...server,
      listen: async (host, port) => {
        state.port = await server.listen(host, port)
        return state.port
      },
    },
    describe,
    settings,
    start: async () => {
      counters.start()
      const warmed = warmth.begin()
      for (const feature of features) await feature.start?.()
      await current().start()
      await warmed()
      await settleLeftJournals(storage.leftJournals(), { database, clock, faultPoints, log })
      // What is made here is shown on standard output, which in production is a log: there the operator makes the keys.
      const { profile } = settings().config
      if (profile === 'production' || profile === 'staging') return {}
      const made = await identity.ensureFirstStart()
      return { ...(made.adminKey && { adminKey: made.adminKey }), ...(made.firstKey && { key: made.firstKey.key }) }
    },
    started: () => {
      state.started = true
    },
    reload: reload.run,
    exposeMetrics: metrics.expose,
    beginDraining: () => {
      state.draining = true
      diagnostics.end()
    },
    isBusy: () => ledger.stats().openHolds > 0 || generations.all().some(({ events }) => events.isBusy()),
    endWaiting: queue.drain,
    // Streams that are kept end first: their readers are told by them.
    endCalls: (fault) =>
      [kept.streams, ...generations.all().map(({ events }) => events)].forEach((one) => one.endAll(fault)),
    settled: ledger.flush,
    stop: async () => {
      await reload.stop()
      await generations.stop()
      await counters.close()
      for (const feature of [...features].reverse()) await feature.stop?.()
      await tokens.stop()
    },
  }
}
