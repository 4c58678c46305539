import type { ServiceMap, Stats } from '@headgate/contract/requests.ts'
import { quantileOf } from '../../domain/latency.ts'
import type { BucketRow, Range, SumRow, Sums } from './minutes.store.ts'

type Figures = Stats['totals']

/** A caller who leaves is no error of anybody's. */
const isError = (code: string): boolean => code !== '' && code !== 'client_closed_request'

const bucketsOf = (rows: readonly BucketRow[]): Map<number, number> => {
  const buckets = new Map<number, number>()
  for (const { bucket, count } of rows) buckets.set(bucket, (buckets.get(bucket) ?? 0) + Number(count))
  return buckets
}

const percentilesOf = (rows: readonly BucketRow[]): Figures['duration_ms'] => {
  const buckets = bucketsOf(rows)
  return { p50: quantileOf(buckets, 0.5), p95: quantileOf(buckets, 0.95), p99: quantileOf(buckets, 0.99) }
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000

const figuresOf = ({ sums, durations, firstBytes }: Sums, seconds: number): Figures => {
  const total = (pick: (row: SumRow) => number) => sums.reduce((sum, row) => sum + pick(row), 0)
  const requests = total(({ count }) => Number(count))
  const errors = total(({ code, count }) => (isError(code) ? Number(count) : 0))
  return {
    requests,
    per_second: rounded(requests / seconds),
    errors,
    error_rate: requests === 0 ? 0 : rounded(errors / requests),
    mean_ms: requests === 0 ? null : Math.round((total((row) => row.total_ms) / requests) * 100) / 100,
    duration_ms: percentilesOf(durations),
    first_byte_ms: percentilesOf(firstBytes),
    input_tokens: total((row) => Number(row.input_tokens)),
    output_tokens: total((row) => Number(row.output_tokens)),
  }
}

/** The same sums, apart by group, in the order of their names. */
const splitByGroup = ({ sums, durations, firstBytes }: Sums): [string, Sums][] => {
  const of = <Row extends { readonly group_name: string }>(rows: readonly Row[]) =>
    Map.groupBy(rows, ({ group_name }) => group_name)
  const [bySum, byDuration, byFirstByte] = [of(sums), of(durations), of(firstBytes)]
  return [...bySum].map(([name, rows]) => [
    name,
    { sums: rows, durations: byDuration.get(name) ?? [], firstBytes: byFirstByte.get(name) ?? [] },
  ])
}

const secondsOf = ({ from, to }: Range): number => Math.max(1, (to - from) / 1_000)
const times = ({ from, to }: Range) => ({ from: new Date(from).toISOString(), to: new Date(to).toISOString() })

/** Rates, percentiles and errors of a range, of sums by group and by time. */
export const statsOf = (range: Range, grouped: Sums, timed: Sums, stepMs: number): Stats => {
  const errors = Map.groupBy(
    grouped.sums.filter(({ code }) => code !== ''),
    ({ code }) => code,
  )
  return {
    object: 'stats',
    ...times(range),
    totals: figuresOf(grouped, secondsOf(range)),
    groups: splitByGroup(grouped)
      .map(([name, sums]) => ({ group: name === '' ? null : name, ...figuresOf(sums, secondsOf(range)) }))
      .sort((one, other) => other.requests - one.requests),
    errors: [...errors]
      .map(([code, rows]) => ({ code, count: rows.reduce((sum, { count }) => sum + Number(count), 0) }))
      .sort((one, other) => other.count - one.count),
    step_seconds: stepMs / 1_000,
    series: splitByGroup(timed)
      .sort(([one], [other]) => Number(one) - Number(other))
      .map(([name, sums]) => ({ at: new Date(Number(name)).toISOString(), ...figuresOf(sums, stepMs / 1_000) })),
  }
}

const GATEWAY = 'headgate'

/** The service map: callers by tier, the gateway, and the providers as they were tried. */
export const servicesOf = (range: Range, sums: Sums): ServiceMap => {
  const traffic = (of: Sums) => {
    const { requests, per_second, errors, error_rate, duration_ms } = figuresOf(of, secondsOf(range))
    return { requests, per_second, errors, error_rate, duration_ms }
  }
  const sides = splitByGroup(sums).map(([name, of]) => {
    const [kind = '', who = ''] = name.split(' ')
    return { kind, who, of }
  })
  const callers = sides.filter(({ kind }) => kind === 'request')
  const providers = sides.filter(({ kind }) => kind === 'try')
  const all: Sums = {
    sums: callers.flatMap(({ of }) => of.sums),
    durations: callers.flatMap(({ of }) => of.durations),
    firstBytes: [],
  }
  const nameOf = (tier: string) => (tier === '' ? 'unknown' : tier)
  return {
    object: 'service_map',
    ...times(range),
    nodes: [
      ...callers.map(({ who, of }) => ({
        id: `callers/${nameOf(who)}`,
        kind: 'callers' as const,
        name: nameOf(who),
        ...traffic(of),
      })),
      { id: GATEWAY, kind: 'gateway', name: 'Headgate', ...traffic(all) },
      ...providers.map(({ who, of }) => ({
        id: `provider/${who}`,
        kind: 'provider' as const,
        name: who,
        ...traffic(of),
      })),
    ],
    edges: [
      ...callers.map(({ who, of }) => ({ from: `callers/${nameOf(who)}`, to: GATEWAY, ...traffic(of) })),
      ...providers.map(({ who, of }) => ({ from: GATEWAY, to: `provider/${who}`, ...traffic(of) })),
    ],
  }
}
