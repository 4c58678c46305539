import type { Figure } from './history.ts'

/** Takes a figure; `most` or `least` is its target. */
export type ReportFigure = (
  figure: string,
  value: number,
  digits: number,
  unit: string,
  target?: { readonly most: number } | { readonly least: number },
) => void

/** Gathers the figures of a run. */
export const createTable = () => {
  const figures: Figure[] = []
  const lines: { figure: string; value: string; target: string; met: boolean | null }[] = []
  const report: ReportFigure = (figure, value, digits, unit, target) => {
    const most = target && 'most' in target ? target.most : null
    const least = target && 'least' in target ? target.least : null
    figures.push({
      figure,
      value: Number(value.toFixed(digits)),
      unit: unit.trim(),
      most,
      ...(least !== null && { least }),
    })
    lines.push({
      figure,
      value: `${value.toFixed(digits)}${unit}`,
      target: most !== null ? `≤ ${most}${unit}` : least !== null ? `≥ ${least}${unit}` : '',
      met: target === undefined ? null : value <= (most ?? value) && value >= (least ?? value),
    })
  }
  return {
    report,
    figures: (): readonly Figure[] => figures,
    text: (): string => {
      const width = Math.max(0, ...lines.map(({ figure }) => figure.length))
      return lines
        .map(({ figure, value, target, met }) => {
          const verdict = met === null ? '' : met ? 'met' : 'MISSED'
          return `${figure.padEnd(width)}  ${value.padStart(14)}  ${target.padStart(14)}  ${verdict}\n`
        })
        .join('')
    },
  }
}

/** What a section is handed. */
export interface Bench {
  /** For its own files; removed in the end. */
  readonly folder: string
  readonly upstreamUrl: string
  readonly trivial: { readonly url: string; readonly pid: number }
  readonly report: ReportFigure
  /** Requests of the soak. */
  readonly requests: number
  /** Rows of the filled ledger. */
  readonly rows: number
}
