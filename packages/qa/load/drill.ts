import type { Backend, House, Settings } from './house.ts'
import type { Report } from './report.ts'

/** How large a drill is played. */
export interface Scale {
  /** Length of its main part. */
  readonly seconds: number
  readonly seed: number
  /** How many streams are cut, where a drill does that. */
  readonly streams: number
  /** Where assets are kept, where a drill keeps some. */
  readonly store: 'disk' | 's3'
}

/** One thing that is shown with several replicas under load. */
export interface Drill {
  readonly name: string
  /** What it shows, in a line. */
  readonly about: string
  readonly replicas: number
  /** Where it counts limits when nobody says where: once with each. */
  readonly backends: readonly Backend[]
  readonly seconds: number
  /** May start what the house needs; `end` takes it away. */
  readonly config: (scale: Scale) => Settings | Promise<Settings>
  /** Plays it and reports its figures; throws only where it could not be played. */
  readonly run: (house: House, report: Report, scale: Scale) => Promise<void>
  readonly end?: () => Promise<void>
}

/** How often each status and code occurred, as text: `200 ×100, 429 rate_limit_exceeded ×3`. */
export const tellStatuses = (seen: readonly { readonly status: number; readonly code: string | null }[]): string => {
  const counts = new Map<string, number>()
  for (const { status, code } of seen) {
    const name = status === 0 ? 'no answer' : `${status}${code === null ? '' : ` ${code}`}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => `${name} ×${count}`).join(', ')
}
