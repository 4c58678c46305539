import type { Clock, Timer } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { AlertSettings, ReadSignals } from './alerts.ports.ts'
import { alertRoutes } from './alerts.routes.ts'
import { createAlertStore } from './alerts.store.ts'
import { evaluate, type Finding, standings } from './evaluate.ts'
import { createNotify, type NotifyPorts } from './notify.ts'
import { prometheusRules } from './prometheus-rules.ts'

export interface AlertsOptions extends AlertSettings, Pick<NotifyPorts, 'deliver' | 'sendMail' | 'onDelivery'> {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
  /** Counts of the house's requests. */
  readonly signals: ReadSignals
  /** What neighbours found by themselves. */
  readonly findings: () => Promise<readonly Finding[]>
  /** Bounds of the histograms that Prometheus reads, in seconds. */
  readonly durationBounds: readonly number[]
}

const LOOK_EVERY_MS = 10_000
const EVALUATE_EVERY_MS = 60_000
/** Timers of replicas drift; a turn a little early is none lost. */
const TURN_MS = EVALUATE_EVERY_MS - LOOK_EVERY_MS / 2
const KEEP_DAYS = 90
const FORGET_EVERY_MS = 3_600_000

/** What watches, and tells. */
export interface Alerts extends Feature {
  /** Tells receivers once of something that happened; never rejects. */
  readonly tell: (event: Omit<Finding, 'firing'>) => Promise<void>
}

/** Watches objectives and rules, and tells receivers of what fires and what ends. */
export const createAlerts = (options: AlertsOptions): Alerts => {
  const { clock, log, signals } = options
  const store = createAlertStore(options.database)
  const notify = createNotify({ ...options, store, now: clock.now })
  const timers: Timer[] = []
  let looking: Promise<void> | null = null
  let failing = false

  const receiversOf = (severity: 'page' | 'ticket'): string[] =>
    Object.entries(options.receivers())
      .filter(([, receiver]) => receiver.severities.includes(severity))
      .map(([name]) => name)

  const look = async (): Promise<void> => {
    const findings = [...(await evaluate(options, signals, clock.now())), ...(await options.findings())]
    const changed = await store.record(findings, () => prefixedId('alert', clock.now()), receiversOf)
    for (const { id, name, severity, endedAt, summary } of changed)
      log.warn(
        { component: 'alerts', id, reason: summary },
        `${severity} ${name} ${endedAt === null ? 'fires' : 'has ended'}`,
      )
  }
  const turn = async (): Promise<void> => {
    try {
      if (await store.takeTurn(TURN_MS)) await look()
      await notify.run()
      failing = false
    } catch (error) {
      if (!failing) log.warn({ component: 'alerts', error }, 'Alerts cannot be evaluated')
      failing = true
    }
  }
  const forget = (): Promise<void> =>
    store
      .forget(KEEP_DAYS)
      .catch((error: unknown) => log.warn({ component: 'alerts', error }, 'Alerts of long ago could not be forgotten'))
  const turnOnce = (): void => {
    looking ??= turn().finally(() => {
      looking = null
    })
  }

  return {
    name: 'alerts',
    tell: async (event) => {
      try {
        await store.recordEvent(event, prefixedId('alert', clock.now()), receiversOf(event.severity))
        await notify.run()
      } catch (error) {
        log.warn({ component: 'alerts', error, reason: event.summary }, 'Receivers of alerts could not be told')
      }
    },
    routes: alertRoutes({
      standings: () => standings(options, signals, clock.now()),
      list: store.list,
      evaluate: async () => {
        await look()
        await notify.run()
      },
      receivers: options.receivers,
      test: notify.test,
      rules: () => prometheusRules(options.objectives(), options.rules(), options.durationBounds),
      now: clock.now,
    }),
    start: () => {
      timers.push(clock.every(LOOK_EVERY_MS, turnOnce))
      timers.push(clock.every(FORGET_EVERY_MS, () => void forget()))
    },
    stop: async () => {
      for (const timer of timers) timer.cancel()
      await looking
    },
  }
}
