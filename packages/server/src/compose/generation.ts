import { isLoopback } from '../config/profiles.ts'
import type { Settings } from '../config/config.ts'
import { unread } from '../domain/inference.ts'
import { noTags } from '../domain/route.ts'
import { createAdmission } from '../features/admission/admission.ts'
import type { BodyRoom } from '../features/admission/body-room.ts'
import { createShedding } from '../features/admission/shedding.ts'
import type { Audit } from '../features/audit/audit.ts'
import type { Cache } from '../features/cache/cache.ts'
import { createCacheWish } from '../features/cache/cache-wish.ts'
import type { Conversations } from '../features/conversations/conversations.ts'
import type { Assets } from '../features/assets/assets.ts'
import { createGateway, type Gateway } from '../features/gateway/gateway.ts'
import { withOutputCap } from '../features/gateway/openai-wire.ts'
import type { Memories } from '../features/memories/memories.ts'
import type { Idempotency } from '../features/idempotency/idempotency.ts'
import type { Identity } from '../features/identity/identity.ts'
import type { BudgetRules } from '../features/ledger/budget-rules.ports.ts'
import type { Ledger } from '../features/ledger/ledger.ts'
import type { TokenCounter } from '../features/metering/count-tokens.ts'
import { createMetering, type Metering } from '../features/metering/metering.ts'
import type { PagesPorts } from '../features/pages/pages.ports.ts'
import { createPages } from '../features/pages/pages.ts'
import type { Operators } from '../features/operators/operators.ts'
import type { People } from '../features/people/people.ts'
import type { Provenance } from '../features/provenance/provenance.ts'
import type { Privacy } from '../features/privacy/privacy.ts'
import type { Providers } from '../features/providers/providers.ts'
import { createRelay } from '../features/relay/relay.ts'
import type { Routing, RoutingOptions } from '../features/routing/routing.ts'
import type { ProjectPolicies } from '../features/safety/project-policies.ts'
import { createPictureBench } from '../features/safety/picture-bench.ts'
import { createSafety } from '../features/safety/safety.ts'
import type { Responses } from '../features/responses/responses.ts'
import type { Streams } from '../features/streams/streams.ports.ts'
import { createStatus } from '../features/status/status.ts'
import type { WarmReport } from '../features/status/warming.ts'
import { createClientAddress } from '../http/client-address.ts'
import { createEvents, type Events } from '../http/events.ts'
import { createShowCurrency } from '../http/show-currency.ts'
import { createFail } from '../http/fail.ts'
import type { Door } from '../http/standing.ts'
import type { Clock } from '../kernel/clock.ts'
import { countryOfAddress } from '../kernel/countries.ts'
import type { Counters } from '../kernel/counters.ts'
import type { Database } from '../kernel/db.ts'
import { AppError } from '../kernel/errors.ts'
import type { FaultPoints } from '../kernel/fault-points.ts'
import type { Feature } from '../kernel/feature.ts'
import { prefixedId } from '../kernel/ids.ts'
import type { Log } from '../kernel/log.ts'
import type { Metrics } from '../kernel/metrics.ts'
import { addressOf } from './address.ts'
import { configuredLimits, createPriorityOf } from './configured-limits.ts'
import type { Guards } from './guards.ts'
import { currencyOf } from './currency.ts'
import { type Crew, partOf } from './crew.ts'
import type { Watch } from './watch.ts'
import { createKeepMade } from './keep-made.ts'
import { createModerate } from './moderate.ts'
import { cacheRules, hideSecrets, outputCapMember, targetNamed } from './options.ts'
import { priceOverrides } from './prices.ts'

/** What stays when a generation is replaced: it holds what must not be forgotten. */
export interface GenerationGround {
  readonly database: Database
  readonly audit: Audit
  readonly clock: Clock
  readonly faultPoints: FaultPoints
  readonly log: Log
  readonly pepper: Buffer
  readonly counters: Counters
  readonly identity: Identity
  readonly people: People
  readonly operators: Operators
  readonly idempotency: Idempotency
  readonly streams: Streams
  readonly responses: Responses
  readonly cache: Cache
  readonly conversations: Conversations
  readonly memories: Memories
  readonly assets: Assets
  readonly privacy: Pick<Privacy, 'heardOptOut'>
  readonly ledger: Ledger
  readonly budgetRules: BudgetRules
  readonly tokens: TokenCounter
  readonly provenance: Provenance
  readonly safetyPolicies: Pick<ProjectPolicies, 'of'>
  readonly providers: Providers
  readonly routing: Routing
  readonly metrics: Metrics
  readonly watch: Watch
  readonly guards: Guards
  readonly bodies: BodyRoom
  readonly crew: Crew
  readonly files: Pick<PagesPorts, 'documentation' | 'asset'>
  /** The features that stay. */
  readonly features: readonly Feature[]
  readonly warm: () => Promise<WarmReport>
  readonly isStarted: () => boolean
  readonly isDraining: () => boolean
  /** The port that is listened on. */
  readonly port: () => number
}

/** The parts that turn on the configuration, built from one reading of it. */
export interface Generation {
  readonly settings: Settings
  readonly door: Door
  readonly events: Events
  /** Nano-USD that a call would cost, by the prices of this reading. */
  readonly costOf: RoutingOptions['costOf']
  readonly priceOf: Metering['priceOf']
  readonly lineCall: Gateway['lineCall']
  /** The features that go with it. */
  readonly own: readonly Feature[]
  readonly start: () => Promise<void>
  /** Lets everything go; calls that still run are cut. */
  readonly stop: () => Promise<void>
}

/** Builds the parts in the order of the walk and hands each what it needs. A call ends in the generation in which it began. */
export const createGeneration = (ground: GenerationGround, settings: Settings): Generation => {
  const { clock, faultPoints, log, pepper, counters, identity, ledger, budgetRules } = ground
  const { metrics, operators, people, watch, tokens, providers, routing, crew } = ground
  const { config } = settings
  const address = () => addressOf(config, ground.port())
  const fail = createFail(address)
  const events = createEvents({
    clock,
    commitAfterMs: config.stream.commit_after_ms,
    keepAliveMs: config.stream.keep_alive_ms,
  })
  const metering = createMetering({ overrides: priceOverrides(config), providerOf: providers.optionsOf })
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
    budgetsOf: budgetRules.of,
    budgetStandings: budgetRules.standings.ofCall,
    reserve: ledger.reserve,
    policyKey: pepper,
    log,
    database: ground.database,
    audit: ground.audit,
    countryOf: countryOfAddress,
    configured: configuredLimits(config),
    callerOf: identity.keys.callerOf,
    targetsOf: async (caller, request) => {
      const asker = { caller, address: null, tags: noTags }
      return (await routing.choose(asker, { ...unread, ...request })).targets
    },
    onShadowRefused: (policy) => metrics.shadowRefusals(policy).inc(),
    onBudgetExceeded: (budget) => metrics.budgetOverruns(budget).inc(),
  })
  const shedding = createShedding({
    pressure: ground.guards.pressure,
    priorityOf: createPriorityOf(config),
    bodies: ground.bodies,
    maxBodyBytes: partOf(ground.guards.mostBodyBytes(config), crew),
    maxBodyWaitMs: config.body.max_wait_ms,
    onShed: (reason) => metrics.shed(reason).inc(),
  })
  const relay = createRelay({
    clock,
    idleMs: config.timeouts.idle_ms,
    totalMs: config.timeouts.total_ms,
    maxBytes: config.upstream.max_response_bytes,
    faultPoints,
    log,
    redact: hideSecrets(providers.secretsOf),
  })
  const pictures = config.safety.image_model === 'none' ? null : createPictureBench()
  const safety = createSafety({
    look: pictures?.look ?? null,
    model: config.safety.moderation_model ?? null,
    judgeMs: config.safety.judge_ms,
    moderate: createModerate({ choose: routing.choose, call: providers.call, clock }),
    isHarmless: ({ provider }) => providers.kindOf(provider) === 'demo',
    ...{ clock, rules: config.safety, policyOfProject: ground.safetyPolicies.of, onVerdict: watch.verdict },
  })
  const gateway = createGateway({
    route: routing.choose,
    judge: safety.judge,
    inspect: safety.inspect,
    admit: admission.admit,
    call: providers.call,
    relay: (input) => relay.stream({ ...input, ...providers.optionsOf(input.answer.target.provider)?.timeouts }),
    priceOf: (target, at, operation) =>
      metering.priceOf({ ...targetNamed(target), operations: [operation] }, at, operation),
    needsTokens: metering.needsTokens,
    costOf: metering.costOf,
    countText: tokens.countText,
    estimateInput: tokens.estimateInput,
    attemptsOf: providers.attemptsOf,
    monotonic: clock.monotonic,
    onSettled: (intent, settlement, walk) => {
      watch.settled(intent, settlement, walk)
      routing.observe(settlement.attempts, { operation: intent.operation, isStream: intent.stream })
    },
    bodyLog: watch.bodyLog,
    recall: (...call) => ground.cache.recall(providers.call, ...call),
    cacheWish: createCacheWish(cacheRules(config)),
    onBackgroundFault: (error, request_id) =>
      log.info({ component: 'cache', error: error as Error, request_id }, 'A cached answer could not be renewed'),
    keepStream: ground.streams.answer,
    continuesStreams: config.resume.continue_after_cut,
    now: clock.now,
    responses: {
      history: ground.responses.history,
      record: ground.responses.record,
      keepOn: ground.streams.keepOn,
      now: clock.now,
    },
    conversations: {
      open: ground.conversations.open,
      maxBodyBytes: () => config.sessions.max_message_bytes,
    },
    memories: ground.memories,
    mark: ground.provenance,
    keepMade: createKeepMade(ground.assets),
    maxBodyBytes: config.body.max_bytes,
    media: {
      maxImageBytes: config.media.max_image_bytes,
      maxAudioBytes: config.media.max_audio_bytes,
      maxAudioSeconds: config.media.max_audio_seconds,
    },
    plainModels: { image: config.media.image_model ?? null, text: config.media.text_model ?? null },
  })
  const status = createStatus({
    parts: async () => {
      const reports = [...ground.features, ...own].map(async ({ name, health }) =>
        health ? [[name, await health()] as const] : [],
      )
      return Object.fromEntries((await Promise.all(reports)).flat())
    },
    warm: ground.warm,
    isStarted: ground.isStarted,
    isDraining: ground.isDraining,
    metricsArePublic: config.metrics.public || isLoopback(config.host),
    exposeMetrics: () => crew.exposeMetrics(metrics.expose),
    metricsContentType: metrics.contentType,
  })

  const pages = createPages({
    publicUrl: config.public_url?.replace(/\/$/, '') ?? null,
    scheme: config.tls ? 'https' : 'http',
    ownAddress: address,
    ...ground.files,
    presentError: (code) => fail.present(new AppError(code), prefixedId('req', clock.now())),
  })
  const showCurrency = createShowCurrency(currencyOf(config), clock.now)
  const own: readonly Feature[] = [...(pictures === null ? [] : [pictures]), admission, gateway, status, pages]
  return {
    settings,
    events,
    lineCall: gateway.lineCall,
    priceOf: metering.priceOf,
    costOf: (target, request, outputTokens) => {
      const price = metering.priceOf(target, clock.now(), request.operation)
      return price === null ? null : metering.worstCase(price, request, outputTokens)
    },
    own,
    door: {
      routes: [...ground.features, ...own].flatMap((feature) =>
        // The gateway's own calls are counted as they are admitted, devices as they are made.
        feature === gateway || feature === people
          ? (feature.routes ?? [])
          : (feature.routes ?? []).map(admission.limitBrowsers).map(showCurrency),
      ),
      clock,
      identity: {
        ...identity,
        ...{ authenticate: people.authenticate, authenticateAdmin: operators.authenticateAdmin },
        heardOptOut: ground.privacy.heardOptOut,
      },
      strangers: admission,
      shedding,
      idempotency: { begin: ground.idempotency.begin, maxAnswerBytes: () => config.idempotency.max_answer_bytes },
      clientAddress: createClientAddress(config.trusted_proxies),
      events,
      fail,
      address,
      observe: watch.answered,
    },
    start: async () => {
      for (const feature of own) await feature.start?.()
    },
    stop: async () => {
      events.stop()
      for (const feature of [...own].reverse()) await feature.stop?.()
    },
  }
}
