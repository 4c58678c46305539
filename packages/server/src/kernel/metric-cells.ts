import type { Registry } from '@prometheus-io/client'

/** A count that only grows. */
export class CounterCell {
  value = 0

  /** Adds to the count: one, where nothing else is said. */
  inc(amount = 1): void {
    this.value += amount
  }
}

/** How often a value fell into each bucket. */
export class HistogramCell {
  readonly #limits: readonly number[]
  /** By bucket, not added up; the last is beyond every limit. */
  readonly counts: number[]
  sum = 0

  constructor(limits: readonly number[]) {
    this.#limits = limits
    this.counts = new Array<number>(limits.length + 1).fill(0)
  }

  observe(value: number): void {
    const limits = this.#limits
    let bucket = 0
    while (bucket < limits.length && value > (limits[bucket] as number)) bucket++
    this.counts[bucket] = (this.counts[bucket] as number) + 1
    this.sum += value
  }
}

/** What a metric is called, and which labels its series have: one or two. */
export interface MetricEntry {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
}

interface Sample {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The cells of one metric by its label values, made when first asked for. */
const cellsOf = <Cell>({ labels: [first = '', second = ''] }: MetricEntry, make: () => Cell) => {
  const rows = new Map<string, Map<string, Cell>>()
  return {
    cell: (one: string, other = ''): Cell => {
      let row = rows.get(one)
      if (row === undefined) rows.set(one, (row = new Map()))
      let cell = row.get(other)
      if (cell === undefined) row.set(other, (cell = make()))
      return cell
    },
    samples: (read: (cell: Cell, labels: Record<string, string>) => Sample[]): Sample[] =>
      [...rows].flatMap(([one, row]) =>
        [...row].flatMap(([other, cell]) => read(cell, { [first]: one, ...(second !== '' && { [second]: other }) })),
      ),
  }
}

/** Adds a metric to what is scraped; the library writes it, and asks for its samples only then. */
const register = (registry: Registry, { name, help }: MetricEntry, type: string, read: () => Sample[]): void => {
  const metric = {
    name,
    help,
    type,
    get: () => Promise.resolve({ name, help, type, values: read(), aggregator: 'sum' }),
  }
  registry.registerMetric(metric as never)
}

/** A counter whose cells are plain numbers: the library's own ones cost more than what they count. */
export const createCounterCells = (registry: Registry, entry: MetricEntry) => {
  const { cell, samples } = cellsOf(entry, () => new CounterCell())
  register(registry, entry, 'counter', () => samples(({ value }, labels) => [{ labels, value }]))
  /** All cells together. */
  const total = () => samples(({ value }, labels) => [{ labels, value }]).reduce((sum, { value }) => sum + value, 0)
  return Object.assign(cell, { total })
}

/** A histogram of plain numbers, each bucket with those below it when it is read. */
export const createHistogramCells = (
  registry: Registry,
  entry: MetricEntry & { readonly buckets: readonly number[] },
) => {
  const { name, buckets } = entry
  const { cell, samples } = cellsOf(entry, () => new HistogramCell(buckets))
  const read = ({ counts, sum }: HistogramCell, labels: Record<string, string>): Sample[] => {
    let count = 0
    const rising = counts.map((inBucket, index): Sample => {
      count += inBucket
      const le = index < buckets.length ? String(buckets[index]) : '+Inf'
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }
    })
    return [
      ...rising,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
  register(registry, entry, 'histogram', () => samples(read))
  return cell
}
