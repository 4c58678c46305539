/** Percent of the code that tests reach, to one place. */
export type Shares = Readonly<Record<'lines' | 'statements' | 'functions' | 'branches', number>>

const names = ['lines', 'statements', 'functions', 'branches'] as const
/** Rounding and the order of events move the last place a little. */
const SLACK = 0.2

/** The shares of a `coverage-summary.json`, rounded down. */
export const sharesOf = (summary: string): Shares => {
  const { total } = JSON.parse(summary) as { total: Record<(typeof names)[number], { pct: number }> }
  return Object.fromEntries(names.map((name) => [name, Math.floor(total[name].pct * 10) / 10])) as Shares
}

/** Compares with what was reached before: a line for each share, whether any fell, and the floor from now on. */
export const compareCoverage = (
  floor: Shares,
  measured: Shares,
): { lines: string[]; fallen: boolean; raised: Shares } => {
  const hasFallen = (name: (typeof names)[number]): boolean => measured[name] < floor[name] - SLACK
  return {
    lines: names.map(
      (name) =>
        `${name.padEnd(10)} ${measured[name].toFixed(1).padStart(5)} %  at least ${floor[name].toFixed(1)} %  ${hasFallen(name) ? 'FALLEN' : 'ok'}`,
    ),
    fallen: names.some(hasFallen),
    raised: Object.fromEntries(names.map((name) => [name, Math.max(floor[name], measured[name])])) as Shares,
  }
}
