import type { KeyKind, KeySummary } from '@headgate/contract/key-lifecycle.ts'
import type { Severity } from '../../domain/objective.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'

/** What metrics tell of the keys of one kind. */
export interface KeyReading {
  readonly kind: KeyKind
  readonly overdue: number
  /** Until the next end or rotation, below 0 where one is overdue; null: none is to come. */
  readonly nextDueSeconds: number | null
}

/** What alerts are told: something that fires, or does not. */
interface KeyFinding {
  readonly name: string
  readonly severity: Severity
  readonly firing: boolean
  readonly summary: string
  readonly value: number
  readonly threshold: number
}

interface WatchOptions {
  readonly summarise: () => Promise<KeySummary>
  readonly clock: Clock
  readonly log: Log
}

/** How old a summary may be that metrics and alerts are told from. */
export const LOOK_EVERY_MS = 600_000
const DAY_MS = 86_400_000

const described = ({ kinds }: KeySummary, which: 'soon' | 'overdue'): string =>
  kinds.flatMap((one) => (one[which] === 0 ? [] : [`${one[which]} ${one.kind}`])).join(', ')

/** Watches what is due: for metrics, for alerts, and for the log once a day. */
export const createKeyWatch = ({ summarise, clock, log }: WatchOptions) => {
  let last: { readonly summary: KeySummary; readonly at: number } | null = null
  let asking: Promise<KeySummary> | null = null
  let toldAt = Number.NEGATIVE_INFINITY

  const tell = (summary: KeySummary): void => {
    const now = clock.now()
    if (summary.overdue + summary.soon === 0 || now - toldAt < DAY_MS) return
    toldAt = now
    const reason = [
      ...(summary.overdue > 0 ? [`overdue: ${described(summary, 'overdue')}`] : []),
      ...(summary.soon > 0 ? [`soon: ${described(summary, 'soon')}`] : []),
    ].join('; ')
    log.warn({ component: 'keys', count: summary.overdue + summary.soon, reason }, 'Keys are due: headgate keys report')
  }

  const look = async (): Promise<KeySummary> => {
    const summary = await summarise()
    last = { summary, at: clock.now() }
    tell(summary)
    return summary
  }
  const current = (): Promise<KeySummary> => {
    if (last !== null && clock.now() - last.at < LOOK_EVERY_MS) return Promise.resolve(last.summary)
    asking ??= look().finally(() => {
      asking = null
    })
    return asking
  }

  const finding = (summary: KeySummary, which: 'soon' | 'overdue'): KeyFinding => ({
    name: `keys/${which}`,
    severity: 'ticket',
    firing: summary[which] > 0,
    summary:
      which === 'overdue'
        ? `Keys that should have been replaced: ${described(summary, which)}. See headgate keys report --due overdue.`
        : `Keys that end or are to be replaced soon: ${described(summary, which)}. See headgate keys report --due soon.`,
    value: summary[which],
    threshold: 0,
  })

  return {
    current,
    /** From the last summary; nothing before the first. */
    readings: (): KeyReading[] =>
      (last?.summary.kinds ?? []).map(({ kind, overdue, next_due_at: due }) => ({
        kind,
        overdue,
        nextDueSeconds: due === null ? null : Math.round((Date.parse(due) - clock.now()) / 1_000),
      })),
    /** Takes over a summary that was made for somebody else. */
    know: (summary: KeySummary): void => {
      last = { summary, at: clock.now() }
    },
    findings: async (): Promise<KeyFinding[]> => {
      const summary = await current()
      return [finding(summary, 'overdue'), finding(summary, 'soon')]
    },
  }
}
