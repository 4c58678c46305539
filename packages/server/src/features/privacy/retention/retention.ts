import type { RetentionRecord, RetentionTable } from '@headgate/contract/privacy-retention.ts'
import type { RetentionPeriods } from '../../../kernel/aged.ts'
import { prefixedId } from '../../../kernel/ids.ts'
import type { TableMap } from '../data-map.ts'
import type { Requester } from '../erasures.ts'
import type { RetentionPorts } from './retention.ports.ts'
import type { EndingTable, RecordRow } from './retention.store.ts'

const HOUR_MS = 3_600_000
/** Rows of a class that one run ends; another one goes on. */
const MOST = 1_000
/** Runs in a row, of an hour’s look. */
const MOST_RUNS = 1_000

interface Gone {
  rows: number
  oldest: Date
  newest: Date
}

const endingOf = (table: string, { ends, personColumn }: TableMap): EndingTable | null =>
  ends === undefined || personColumn === null ? null : { table, ...ends, personColumn }

/** Of one project alone, where one is asked for. */
const within = (periods: RetentionPeriods, project: string | null): RetentionPeriods =>
  project === null ? periods : { days: 0, projectDays: { [project]: periods.projectDays[project] ?? periods.days } }

/** A record as operators read it. */
const presentRecord = (row: RecordRow): RetentionRecord => ({
  object: 'retention_record',
  id: row.record_id,
  project: row.project_id,
  record: row.record,
  signature: row.signature.toString('base64'),
})

/** Ends what is kept long enough by the schedule, says beforehand what that would be, and leaves a signed record of it. */
export const createRetention = (ports: RetentionPorts) => {
  const { store, map, signer, clock, log, record, periodsOf, keepers, isFirst } = ports
  const state: { isOver: boolean; working: Promise<void> | null } = { isOver: false, working: null }
  const timers: { cancel(): void }[] = []

  const tableOf = async (table: string, entry: TableMap, project: string | null): Promise<RetentionTable> => {
    const ending = endingOf(table, entry)
    const periods = ending === null ? null : within(periodsOf(ending.as), project)
    const due = ending === null || periods === null ? [] : await store.due(ending, periods)
    return {
      object: 'retention_table',
      table,
      kept: entry.kept,
      class: ending?.as ?? null,
      counted_from: ending?.from ?? null,
      days: ending === null ? null : periodsOf(ending.as).days,
      project_days: ending === null ? {} : { ...periodsOf(ending.as).projectDays },
      due: due.map(({ oldest, due: rows, ...of }) => ({ ...of, rows, oldest: oldest?.toISOString() ?? null })),
    }
  }

  const note = async (
    run: string,
    project: string,
    gone: ReadonlyMap<string, Gone>,
    startedAt: Date,
    by: Requester,
  ): Promise<RetentionRecord> => {
    const id = prefixedId('ret', clock.now())
    const text = JSON.stringify({
      object: 'retention_record',
      id,
      run,
      project,
      by: by.actor,
      started_at: startedAt.toISOString(),
      ended_at: new Date(clock.now()).toISOString(),
      tables: [...gone].map(([table, { rows, oldest, newest }]) => {
        const as = map[table]?.ends?.as as NonNullable<TableMap['ends']>['as']
        const { days, projectDays } = periodsOf(as)
        return {
          table,
          class: as,
          days: projectDays[project] ?? days,
          erased: rows,
          oldest: oldest.toISOString(),
          newest: newest.toISOString(),
        }
      }),
    })
    const row = { project_id: project, record_id: id, record: text, signature: signer.sign(text), startedAt }
    await store.add(row, (transaction) =>
      record(transaction, {
        ...{ actor: by.actor, action: 'retention.run', resource: `retention_record/${row.record_id}`, project },
        ...(by.requestId !== '' && { requestId: by.requestId }),
      }),
    )
    return presentRecord(row)
  }

  /** Ends what is due, so many rows of each class; records are written even where a class fails in the middle. */
  const run = async (project: string | null, by: Requester) => {
    const id = prefixedId('rtr', clock.now())
    const startedAt = new Date(clock.now())
    const gone = new Map<string, Map<string, Gone>>()
    const records: RetentionRecord[] = []
    let hasMore = false
    try {
      for (const [table, entry] of Object.entries(map)) {
        const ending = endingOf(table, entry)
        if (ending === null || state.isOver) continue
        let rows = 0
        const end = keepers[ending.as] ?? store.endOf(ending)
        await end(within(periodsOf(ending.as), project), {
          most: MOST,
          isOver: () => state.isOver,
          onEnded: ({ project: of, at }) => {
            rows += 1
            const tables = gone.get(of) ?? new Map<string, Gone>()
            const known = tables.get(table) ?? { rows: 0, oldest: at, newest: at }
            tables.set(table, {
              rows: known.rows + 1,
              oldest: known.oldest < at ? known.oldest : at,
              newest: known.newest > at ? known.newest : at,
            })
            gone.set(of, tables)
          },
        })
        hasMore ||= rows === MOST
      }
    } finally {
      for (const [of, tables] of gone) records.push(await note(id, of, tables, startedAt, by))
    }
    return { object: 'retention_run' as const, id, has_more: hasMore, records }
  }

  const work = async (): Promise<void> => {
    await ports.unnameEnded()
    for (let runs = 0; runs < MOST_RUNS && !state.isOver; runs += 1) {
      const { has_more: hasMore, records } = await run(null, { actor: 'headgate', requestId: '' })
      if (records.length > 0)
        log.info({ component: 'privacy', count: records.length }, 'What was kept long enough has ended')
      if (!hasMore) return
    }
  }

  return {
    /** What the schedule says of every table, and what it would end now; nothing is touched. */
    plan: async (project: string | null): Promise<RetentionTable[]> => {
      const tables: RetentionTable[] = []
      for (const table of Object.keys(map).sort()) tables.push(await tableOf(table, map[table] as TableMap, project))
      return tables
    },
    run,
    list: async (project: string | null, after: string | null, limit: number): Promise<RetentionRecord[]> =>
      (await store.list(project, after, limit)).map(presentRecord),
    start: (): void => {
      if (!isFirst) return
      timers.push(
        clock.every(HOUR_MS, () => {
          state.working ??= work()
            .catch((error: Error) => log.warn({ component: 'privacy', error }, 'What is too old could not be ended'))
            .finally(() => (state.working = null))
        }),
      )
    },
    stop: async (): Promise<void> => {
      for (const timer of timers) timer.cancel()
      state.isOver = true
      await state.working
    },
  }
}
export type Retention = ReturnType<typeof createRetention>
