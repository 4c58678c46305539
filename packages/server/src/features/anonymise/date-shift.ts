import type { Keyed } from './keyed.ts'

const dated = /^(\d{4})-(\d{2})-(\d{2})(?=$|[T ])/
const dayMs = 86_400_000

/** By how many days the dates of a person move: from 1 to `most`, forwards or back, never not at all, and the same each time. */
export const daysOf = (keyed: Keyed, person: string, most: number): number => {
  const bytes = keyed.bytes('date_shift', person)
  const days = 1 + (bytes.readUInt32BE(0) % most)
  return (bytes[4] as number) % 2 === 0 ? days : -days
}

/**
 * Moves a date, or the date of a time, as ISO 8601 or PostgreSQL write them; the time of day and the zone stay. Undefined where the text begins
 * with no date that there is.
 */
export const shiftDate = (text: string, days: number): string | undefined => {
  const match = dated.exec(text)
  if (match === null) return undefined
  const [whole, year, month, day] = match as unknown as [string, string, string, string]
  const time = Date.UTC(Number(year), Number(month) - 1, Number(day))
  const date = new Date(time)
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined
  const moved = new Date(time + days * dayMs)
  const years = moved.getUTCFullYear()
  if (years < 0 || years > 9999) return undefined
  return moved.toISOString().slice(0, 10) + text.slice(whole.length)
}
