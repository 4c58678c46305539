import { type Counts, distanceOf, entropyL, fulfils, type SensitiveModel } from './privacy-models.ts'

/** Rows that cannot be told apart by their quasi-identifiers. */
export interface Group {
  rows: number
  /** Values of each sensitive column, in the order of the models’ columns. */
  readonly sensitive: Map<string, number>[]
}

export const addCounts = (to: Map<string, number>, from: Counts): void => {
  for (const [value, count] of from) to.set(value, (to.get(value) ?? 0) + count)
}

/** Puts one row, or several that are alike, into its group. */
export const addToGroup = (
  groups: Map<string, Group>,
  key: string,
  rows: number,
  sensitive: readonly Counts[],
): void => {
  let group = groups.get(key)
  if (group === undefined) {
    group = { rows: 0, sensitive: sensitive.map(() => new Map()) }
    groups.set(key, group)
  }
  group.rows += rows
  for (const [at, counts] of sensitive.entries()) addCounts(group.sensitive[at] as Map<string, number>, counts)
}

/** What is asked of the groups. */
export interface Demand {
  readonly k: number
  readonly models: readonly SensitiveModel[]
}

/** Whether a group may be published. */
export const isSafe = (group: Group, demand: Demand, all: readonly Counts[]): boolean =>
  group.rows >= demand.k &&
  demand.models.every((model, at) => fulfils(model, group.sensitive[at] as Counts, all[at] as Counts))

/** What was found for a model over all groups: the worst of them. */
export interface FoundModel {
  readonly column: string
  readonly model: SensitiveModel['model']
  readonly asked: number
  readonly found: number
  readonly fulfilled: boolean
}

/** What groups fulfil together. */
export interface Found {
  readonly groups: number
  readonly rows: number
  /** Rows of the smallest group; 0 where there is none. */
  readonly smallest: number
  /** Rows that stand alone in their group. */
  readonly unique: number
  readonly models: readonly FoundModel[]
}

const figureOf = (model: SensitiveModel, group: Counts, all: Counts): number => {
  if (model.model === 't_closeness') return distanceOf(group, all, model.tree)
  return model.model === 'entropy_l' ? entropyL(group) : group.size
}

const rounded = (figure: number): number => Math.round(figure * 1e6) / 1e6

/** Looks at groups as they are. */
export const inspectGroups = (groups: ReadonlyMap<string, Group>, models: readonly SensitiveModel[]): Found => {
  const all = models.map((_, at) => {
    const counts = new Map<string, number>()
    for (const group of groups.values()) addCounts(counts, group.sensitive[at] as Counts)
    return counts
  })
  const sizes = [...groups.values()].map(({ rows }) => rows)
  const found = models.map((model, at): FoundModel => {
    const figures = [...groups.values()].map((group) =>
      figureOf(model, group.sensitive[at] as Counts, all[at] as Counts),
    )
    const isDistance = model.model === 't_closeness'
    const worst = figures.reduce(
      (left, right) => (isDistance ? Math.max(left, right) : Math.min(left, right)),
      figures[0] ?? 0,
    )
    const fulfilled = [...groups.values()].every((group) =>
      fulfils(model, group.sensitive[at] as Counts, all[at] as Counts),
    )
    return {
      column: model.column,
      model: model.model,
      asked: isDistance ? model.t : model.l,
      found: rounded(worst),
      fulfilled,
    }
  })
  const { smallest, rows, unique } = sizes.reduce(
    (sum, size) => ({
      smallest: Math.min(sum.smallest, size),
      rows: sum.rows + size,
      unique: sum.unique + (size === 1 ? 1 : 0),
    }),
    { smallest: Number.POSITIVE_INFINITY, rows: 0, unique: 0 },
  )
  return { groups: groups.size, rows, smallest: groups.size === 0 ? 0 : smallest, unique, models: found }
}
