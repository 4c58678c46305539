import { type Call, makeCalls, quantile, type Sample } from './load.ts'
import { cpuMs } from './processes.ts'

const ROUNDS = 7
/** What times are measured after. */
const WARM_UP_ROUNDS = 8
/** What CPU per request is measured after: V8 compiles what is hot, and again what turned out otherwise, until some sixty thousand calls. */
export const STEADY_ROUNDS = 40

/** A way to the upstream: what is called, and whose CPU time is counted. */
export interface Way {
  readonly call: Call
  readonly pids: readonly number[]
}

/** What one round of one way came to. */
export interface Round {
  readonly samples: readonly Sample[]
  readonly cpuMs: number
  readonly wallMs: number
}

const spent = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuMs(pid), 0)

const run = async ({ call, pids }: Way, count: number, concurrency: number): Promise<Round> => {
  const before = spent(pids)
  const begun = performance.now()
  const samples = await makeCalls(call, count, concurrency)
  return { samples, cpuMs: spent(pids) - before, wallMs: performance.now() - begun }
}

/** Rounds of the ways in turn, so that a slow minute of the machine hits all of them. */
export const interleave = async <Name extends string>(
  ways: Readonly<Record<Name, Way>>,
  count: number,
  concurrency: number,
  warmUpRounds = WARM_UP_ROUNDS,
): Promise<Record<Name, Round[]>> => {
  const names = Object.keys(ways) as Name[]
  const rounds = Object.fromEntries(names.map((name): [Name, Round[]] => [name, []])) as Record<Name, Round[]>
  for (let round = -warmUpRounds; round < ROUNDS; round++) {
    for (const name of names) {
      const result = await run(ways[name], count, concurrency)
      if (round >= 0) rounds[name].push(result)
    }
  }
  return rounds
}

/** Calls that `interleave` makes each way. */
export const callsOfWay = (count: number, warmUpRounds = WARM_UP_ROUNDS): number => count * (ROUNDS + warmUpRounds)

/** CPU microseconds of a call. */
export const perCall = ({ cpuMs: cpu, samples }: Round): number => (cpu * 1000) / samples.length

/** Calls answered in a second. */
export const perSecond = ({ wallMs, samples }: Round): number => (samples.length * 1000) / wallMs

/** CPU microseconds of a part of a stream. */
export const perPart = ({ cpuMs: cpu, samples }: Round): number =>
  (cpu * 1000) / samples.reduce((sum, sample) => sum + sample.events, 0)

/** The middle round, by a figure. */
export const medianOf = (rounds: readonly Round[], pick: (round: Round) => number): number => quantile(rounds.map(pick))

/** The middle ratio of rounds that stand beside each other. */
export const ratioOf = (rounds: readonly Round[], base: readonly Round[], pick: (round: Round) => number): number =>
  quantile(rounds.map((round, index) => pick(round) / pick(base[index] as Round)))

/** The middle difference of a quantile of a time. */
export const addedTo = (
  base: readonly Round[],
  rounds: readonly Round[],
  pick: (sample: Sample) => number,
  part: number,
): number =>
  quantile(
    rounds.map(
      (round, index) =>
        quantile(round.samples.map(pick), part) - quantile((base[index] as Round).samples.map(pick), part),
    ),
  )
