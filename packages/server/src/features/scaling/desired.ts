import type { ScalingSettings, ScheduledReplicas, Work } from './scaling.ports.ts'

/** What decided on the number of replicas. */
export type DecidedBy = 'load' | 'forecast' | 'schedule' | 'minimum' | 'maximum'

const DAY_MINUTES = 1_440

/** How loaded a process is: 1 is as much as is wanted. What waits counts as much as what is under way. */
export const loadOf = ({ loopUtilisation, inFlight, waiting, limit }: Work, target: number): number => {
  const places = limit === 0 ? 0 : (inFlight + waiting) / limit
  return Math.max(loopUtilisation, places) / target
}

/** The rule of the schedule that asks for most replicas at a time; null for none. */
export const scheduledAt = (schedule: readonly ScheduledReplicas[], now: number): ScheduledReplicas | null => {
  const date = new Date(now)
  const minute = date.getUTCHours() * 60 + date.getUTCMinutes()
  const day = date.getUTCDay()
  const holds = ({ days, from, to }: ScheduledReplicas): boolean => {
    if (from < to) return days.includes(day) && minute >= from && minute < to
    // Over midnight: its day is the one on which it began.
    return (days.includes(day) && minute >= from) || (days.includes((day + 6) % 7) && minute < to)
  }
  return schedule
    .filter(holds)
    .reduce<ScheduledReplicas | null>((most, rule) => (rule.replicas > (most?.replicas ?? 0) ? rule : most), null)
}

/** Minutes since midnight of a time such as `08:30`. */
export const minuteOfDay = (text: string): number => {
  const [hours = '0', minutes = '0'] = text.split(':')
  return (Number(hours) * 60 + Number(minutes)) % DAY_MINUTES
}

/** How many replicas there are to be, and what decided it. */
export const desiredReplicas = (
  settings: Pick<ScalingSettings, 'minimum' | 'maximum'>,
  wanted: { readonly load: number; readonly forecast: number; readonly schedule: number },
): { readonly replicas: number; readonly decidedBy: DecidedBy } => {
  const ordered = (['load', 'forecast', 'schedule'] as const).toSorted((one, other) => wanted[other] - wanted[one])
  const [decidedBy] = ordered as [DecidedBy & keyof typeof wanted]
  const replicas = Math.ceil(wanted[decidedBy])
  if (replicas > settings.maximum) return { replicas: settings.maximum, decidedBy: 'maximum' }
  if (replicas <= settings.minimum) return { replicas: settings.minimum, decidedBy: 'minimum' }
  return { replicas, decidedBy }
}
