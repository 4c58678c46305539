import type { KeyLifecycleQuery, KeySummary, RegisteredKey } from '@headgate/contract/key-lifecycle.ts'
import { type Page, pageOf } from '@headgate/contract/keys.ts'
import type { KeySource, RotationSchedule } from './key-lifecycle.ports.ts'
import { type Judged, judgeKey } from './standing.ts'

const DEFAULT_PAGE = 20

interface ServiceOptions {
  /** In the order of the register. */
  readonly sources: readonly KeySource[]
  readonly schedule: () => RotationSchedule
  readonly now: () => number
}

type Kind = KeySummary['kinds'][number]

const earlier = (one: string | null, other: number | null): string | null => {
  if (other === null) return one
  const printed = new Date(other).toISOString()
  return one === null || printed < one ? printed : one
}

const counted = (kind: Kind, { key, nextDueAt }: Judged): Kind => ({
  ...kind,
  keys: kind.keys + 1,
  active: kind.active + Number(key.state === 'active'),
  retiring: kind.retiring + Number(key.state === 'retiring'),
  soon: kind.soon + Number(key.due === 'soon'),
  overdue: kind.overdue + Number(key.due === 'overdue'),
  next_due_at: earlier(kind.next_due_at, nextDueAt),
})

/** Reads every key of the house from whoever keeps it. */
export const createKeyLifecycleService = ({ sources, schedule, now }: ServiceOptions) => {
  /** Those of the register after a cursor, in its order. */
  async function* walk(query: Omit<KeyLifecycleQuery, 'limit'>): AsyncGenerator<Judged> {
    const [from, ...rest] = query.after?.split(':') ?? []
    const begun = sources.findIndex(({ kind }) => kind === from)
    for (const [index, { kind, list }] of sources.entries()) {
      if (index < begun || (query.kind !== undefined && query.kind !== kind)) continue
      for await (const batch of list(index === begun ? rest.join(':') : null))
        for (const record of batch) yield judgeKey(kind, record, schedule(), now())
    }
  }

  return {
    /** A page of the keys that fit. @throws AppError `database_unavailable` */
    list: async (query: KeyLifecycleQuery): Promise<Page<RegisteredKey>> => {
      const limit = Number(query.limit ?? DEFAULT_PAGE)
      const found: RegisteredKey[] = []
      for await (const { key } of walk(query)) {
        if (query.state !== undefined && query.state !== key.state) continue
        if (query.due !== undefined && query.due !== key.due) continue
        if (found.push(key) > limit) break
      }
      return pageOf(
        found,
        limit,
        ({ kind, id }) => `${kind}:${id}`,
        (key) => key,
      )
    },

    /**
     * How many there are of each kind, and how many are due; `isWatch`: of the kinds only that can be.
     * @throws AppError `database_unavailable`
     */
    summarise: async (isWatch = false): Promise<KeySummary> => {
      const { days } = schedule()
      const kinds: Kind[] = []
      for (const { kind, isCalm = false } of sources) {
        if (isWatch && isCalm) continue
        let one: Kind = {
          ...{ kind, keys: 0, active: 0, retiring: 0, soon: 0, overdue: 0, next_due_at: null },
          rotation_days: days[kind] || null,
        }
        for await (const judged of walk({ kind })) one = counted(one, judged)
        kinds.push(one)
      }
      const sum = (pick: (kind: Kind) => number) => kinds.reduce((total, kind) => total + pick(kind), 0)
      return {
        object: 'key_summary',
        at: new Date(now()).toISOString(),
        overdue: sum(({ overdue }) => overdue),
        soon: sum(({ soon }) => soon),
        kinds,
      }
    },
  }
}
export type KeyLifecycleService = ReturnType<typeof createKeyLifecycleService>
