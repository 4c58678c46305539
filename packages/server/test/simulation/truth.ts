import { readLine } from '../../src/features/ledger/journal-records.ts'
import type { Disk } from './disk.ts'
import type { MoneyStore } from './money-store.ts'
import type { Settings } from './settings.ts'
import { watchLimits } from './truth-limits.ts'
import type { World } from './stage.ts'

/** What really happened to a call, as the caller and the provider know it. */
export interface TrueCall {
  readonly id: string
  readonly replica: string
  readonly budgets: readonly string[]
  readonly worst: bigint
  /** `asked`: not yet admitted; `open`: it may reach the provider; `ending`: its process was settling it; `ended`: it was told so. */
  state: 'asked' | 'refused' | 'open' | 'ending' | 'ended'
  /** When the state was reached. */
  at: number
  /** When it was let through. */
  openedAt: number
  cost: bigint
  /** Output that the caller may have. */
  marked: number
  /** The disk did not take it, or lost it: its row may be missing. */
  excused: boolean
}

/** Lines that a disk holds: which calls have an intent, and which an outcome. */
const readDisk = (disk: Disk, folder: string): { intents: Set<string>; outcomes: Set<string> } => {
  const found = { intents: new Set<string>(), outcomes: new Set<string>() }
  for (const name of disk.list(folder)) {
    if (!name.endsWith('.log')) continue
    for (const line of disk.read(`${folder}/${name}`).toString('utf8').split('\n').slice(0, -1)) {
      const record = readLine(line)
      if (record?.kind === 'intent') found.intents.add(record.intent.id)
      else if (record?.kind === 'outcome') found.outcomes.add(record.row.id)
    }
  }
  return found
}

/** The truth log: against it everything is judged. */
export const createTruth = (world: World, settings: Settings, money: () => MoneyStore) => {
  const calls = new Map<string, TrueCall>()
  /** What each budget was committed to, whenever that changed. */
  const peaks = new Map<string, { at: number; committed: bigint }[]>()
  const limits = watchLimits(world, settings)

  const committed = (budgetId: string): bigint => {
    let sum = 0n
    for (const call of calls.values()) {
      if (!call.budgets.includes(budgetId)) continue
      if (call.state === 'open' || call.state === 'ending') sum += call.worst
      else if (call.state === 'ended') sum += call.cost
    }
    return sum
  }

  const noteCommitted = ({ budgets }: TrueCall): void => {
    if (!settings.calm) return
    for (const id of budgets) {
      const known = peaks.get(id) ?? []
      peaks.set(id, known)
      known.push({ at: world.time(), committed: committed(id) })
    }
  }

  const judgeRow = (call: TrueCall): void => {
    const row = money().rows.get(call.id)
    const { id, state, excused } = call
    if (row === undefined) {
      if (state !== 'asked' && state !== 'refused' && !excused)
        world.breach('every call has its row', `${id}, ${state}, has none`)
      return
    }
    const cost = row.cost ?? 0n
    if (cost > call.worst) world.breach('no call costs more than its worst case', `${id}: ${cost} of ${call.worst}`)
    if (state === 'refused') world.breach('a refused call has no row', `${id} has one of ${cost}`)
    const isKilled = row.outcome === 'killed'
    if (state === 'ended' && (isKilled ? !excused : cost !== call.cost))
      world.breach('a row says what happened', `${id} ended at ${call.cost}, its row says ${row.outcome} ${cost}`)
    if ((state === 'open' || state === 'asked') && !isKilled)
      world.breach('a row says what happened', `${id} was ${state}, its row says ${row.outcome}`)
    if (isKilled && row.outputTokens < call.marked && !excused)
      world.breach('a killed call pays what its caller got', `${id}: ${row.outputTokens} of ${call.marked} tokens`)
  }

  return {
    limits,
    /** Remembers what the budgets of a call are committed to now. */
    noteCommitted,
    calls: calls as ReadonlyMap<string, TrueCall>,
    asked: (call: Pick<TrueCall, 'id' | 'replica' | 'budgets' | 'worst'>): TrueCall => {
      const made: TrueCall = {
        ...call,
        state: 'asked',
        at: world.time(),
        openedAt: 0,
        cost: 0n,
        marked: 0,
        excused: false,
      }
      calls.set(call.id, made)
      return made
    },
    reach: (call: TrueCall, state: TrueCall['state']): void => {
      noteCommitted(call)
      call.state = state
      call.at = world.time()
      if (state === 'open') call.openedAt = call.at
      world.note(`${call.id.slice(-6)} ${state}`)
      noteCommitted(call)
    },
    /** The most that calls of a budget cost or may have cost since a time, by what their callers know. */
    mostCommitted: (budgetId: string, since: number): bigint =>
      (peaks.get(budgetId) ?? [])
        .filter(({ at }) => at >= since)
        .reduce((most, peak) => (peak.committed > most ? peak.committed : most), committed(budgetId)),
    /** After a death: what ended is in the store or in the journal, unless the power went or the disk refused. */
    inspect: (replica: string, disk: Disk, unsureSince: number): void => {
      const { intents, outcomes } = readDisk(disk, `/${replica}/journal`)
      for (const call of calls.values()) {
        if (call.replica !== replica || call.excused || money().rows.has(call.id)) continue
        if (call.state === 'asked' || call.state === 'refused') continue
        const left = outcomes.has(call.id) || (call.state !== 'ended' && intents.has(call.id))
        // Marks are kept for who survives the death of a process, not of the machine.
        if (Number.isFinite(unsureSince)) call.marked = 0
        if (left) continue
        if (call.at >= unsureSince) call.excused = true
        else {
          world.breach('nothing acknowledged is lost', `${call.id}, ${call.state} at ${call.at}, is on no disk`)
          call.excused = true
        }
      }
    },
    judge: (): void => {
      for (const call of calls.values()) judgeRow(call)
      for (const id of money().rows.keys()) if (!calls.has(id)) world.breach('a row has its call', `${id} was not made`)
      limits.judge()
    },
  }
}

/** The truth log. */
export type Truth = ReturnType<typeof createTruth>
