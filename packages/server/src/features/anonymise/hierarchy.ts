/** How values of a column become less exact, step by step: level 0 is the value itself, the highest level tells nothing. */
export interface Hierarchy {
  /** The highest level. */
  readonly height: number
  /** The value at a level; undefined where the hierarchy does not know the value. */
  readonly generalise: (value: string, level: number) => string | undefined
}

/** What takes the place of a value that says nothing any more; as ARX writes it. */
export const everything = '*'

/** Which part of a period is kept of a date. */
export const datePeriods = ['month', 'quarter', 'year', 'decade'] as const
export type DatePeriod = (typeof datePeriods)[number]

const cutLabel = (cuts: readonly number[], value: number): string => {
  const at = cuts.findIndex((cut) => value < cut)
  if (at === 0) return `<${cuts[0]}`
  if (at === -1) return `>=${cuts.at(-1)}`
  return `[${cuts[at - 1]}, ${cuts[at]}[`
}

const numberOf = (value: string): number | undefined =>
  /^\s*[+-]?\d{1,15}(?:\.\d{1,15})?\s*$/.test(value) ? Number(value) : undefined

/** Intervals between cuts, a list of cuts for each level, each one a part of the one before; then everything. */
export const cutHierarchy = (levels: readonly (readonly number[])[]): Hierarchy => ({
  height: levels.length + 1,
  generalise: (value, level) => {
    if (level === 0) return value
    const number = numberOf(value)
    if (number === undefined) return undefined
    const cuts = levels[level - 1]
    return cuts === undefined ? everything : cutLabel(cuts, number)
  },
})

/** Intervals of one width for each level, from zero on, each width a multiple of the one before; then everything. */
export const widthHierarchy = (widths: readonly number[]): Hierarchy => ({
  height: widths.length + 1,
  generalise: (value, level) => {
    if (level === 0) return value
    const number = numberOf(value)
    if (number === undefined) return undefined
    const width = widths[level - 1]
    if (width === undefined) return everything
    const start = Math.floor(number / width) * width
    return `[${start}, ${start + width}[`
  },
})

/** One more character becomes the masking character at each level, from the end or the beginning; longer values keep what is above `levels`. */
export const maskHierarchy = (levels: number, maskingChar: string, fromEnd: boolean): Hierarchy => ({
  height: levels,
  generalise: (value, level) => {
    // The highest level hides the length, too.
    if (level === levels) return maskingChar.repeat(levels)
    const characters = [...value]
    const count = Math.min(level, characters.length)
    const cover = maskingChar.repeat(count)
    return fromEnd
      ? characters.slice(0, characters.length - count).join('') + cover
      : cover + characters.slice(count).join('')
  },
})

const periodOf = (value: string, period: DatePeriod): string | undefined => {
  const [, year, month] = /^(\d{4})-(\d{2})-\d{2}(?=$|[T ])/.exec(value) ?? []
  if (year === undefined || month === undefined) return undefined
  if (period === 'month') return `${year}-${month}`
  if (period === 'quarter') return `${year}-Q${Math.ceil(Number(month) / 3)}`
  return period === 'year' ? year : `${year.slice(0, 3)}0s`
}

/** Periods of dates and times as ISO 8601 and PostgreSQL write them; then everything. */
export const dateHierarchy = (periods: readonly DatePeriod[]): Hierarchy => ({
  height: periods.length + 1,
  generalise: (value, level) => {
    if (level === 0) return value
    const period = periods[level - 1]
    return period === undefined ? everything : periodOf(value, period)
  },
})

/** What is wrong with a row of a tree, in words. */
export interface RowFault {
  /** Counted from 0. */
  readonly row: number
  readonly problem: string
}

/**
 * A tree that was given: each row a value and what it becomes at level 1, 2 and on, as ARX’s hierarchies are written. Rows have to be equally
 * long, and what is one at a level has to be one at every level above: else a higher level would tell more.
 */
export const rowHierarchy = (rows: readonly (readonly string[])[]): Hierarchy | RowFault => {
  const width = rows[0]?.length ?? 0
  if (width < 1) return { row: 0, problem: 'is empty' }
  const byValue = new Map<string, readonly string[]>()
  const parents = Array.from({ length: width - 1 }, () => new Map<string, string>())
  for (const [row, cells] of rows.entries()) {
    if (cells.length !== width) return { row, problem: `has ${cells.length} columns where the first row has ${width}` }
    const [value] = cells as readonly [string]
    if (byValue.has(value)) return { row, problem: 'has a value that stands above already' }
    byValue.set(value, cells)
    for (const [level, parent] of parents.entries()) {
      const [own, above] = [cells[level] as string, cells[level + 1] as string]
      const known = parent.get(own)
      if (known !== undefined && known !== above)
        return { row, problem: `puts what is one at level ${level} into two at level ${level + 1}` }
      parent.set(own, above)
    }
  }
  return { height: width - 1, generalise: (value, level) => byValue.get(value)?.[level] }
}
