import type { Config } from '../config/schema.ts'
import type { RetentionClass } from '../features/privacy/data-map.ts'
import type { RetentionPeriods } from '../kernel/aged.ts'

/** How long a class is kept: sessions as `sessions.keep_days` says, where `retention.days` says nothing of them. */
export const retentionPeriods = ({ retention, sessions }: Config, name: RetentionClass): RetentionPeriods => {
  const own = Object.entries(retention.project_days).flatMap(([key, days]): [string, number][] => {
    const [project = '', of] = key.split('/')
    return of === name ? [[project, days]] : []
  })
  const former = name === 'sessions' ? sessions : { keep_days: 0, project_keep_days: {} }
  return {
    days: retention.days[name] ?? former.keep_days,
    projectDays: { ...former.project_keep_days, ...Object.fromEntries(own) },
  }
}
