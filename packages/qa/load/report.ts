/** A figure of a drill, and what it was to be. */
export interface Line {
  readonly figure: string
  readonly value: number | string
  readonly unit: string
  /** In words: `≤ 100`; empty where nothing was asked. */
  readonly target: string
  readonly met: boolean | null
}

/** Gathers what a drill found. */
export interface Report {
  readonly note: (figure: string, value: number | string, unit?: string) => void
  readonly atMost: (figure: string, value: number, most: number, unit?: string) => void
  readonly atLeast: (figure: string, value: number, least: number, unit?: string) => void
  readonly exactly: (figure: string, value: number | string, wanted: number | string, unit?: string) => void
  readonly lines: () => readonly Line[]
}

/** `heading` begins every figure: two runs of one drill stay apart. */
export const createReport = (heading = ''): Report => {
  const lines: Line[] = []
  const rounded = (value: number | string) => (typeof value === 'number' ? Math.round(value * 1000) / 1000 : value)
  const add = (figure: string, value: number | string, unit: string, target: string, met: boolean | null) =>
    lines.push({ figure: heading + figure, value: rounded(value), unit, target, met })
  return {
    note: (figure, value, unit = '') => add(figure, value, unit, '', null),
    atMost: (figure, value, most, unit = '') => add(figure, value, unit, `≤ ${most}`, value <= most),
    atLeast: (figure, value, least, unit = '') => add(figure, value, unit, `≥ ${least}`, value >= least),
    exactly: (figure, value, wanted, unit = '') => add(figure, value, unit, `= ${wanted}`, value === wanted),
    lines: () => lines,
  }
}

/** The report as a table for people. */
export const printLines = (lines: readonly Line[]): string => {
  const width = Math.max(...lines.map(({ figure }) => figure.length))
  return lines
    .map(({ figure, value, unit, target, met }) => {
      const verdict = met === null ? '' : met ? 'met' : 'MISSED'
      return `${figure.padEnd(width)}  ${`${value} ${unit}`.trim().padStart(14)}  ${target.padStart(12)}  ${verdict}`.trimEnd()
    })
    .join('\n')
}

/** Whether nothing was missed. */
export const allMet = (lines: readonly Line[]): boolean => lines.every(({ met }) => met !== false)
