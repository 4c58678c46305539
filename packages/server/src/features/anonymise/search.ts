import { addCounts, addToGroup, type Demand, type Group, isSafe } from './groups.ts'
import type { Hierarchy } from './hierarchy.ts'
import type { Counts } from './privacy-models.ts'

/** A column whose level is looked for, between two levels. */
export interface QuasiColumn {
  readonly name: string
  readonly hierarchy: Hierarchy
  readonly lowest: number
  readonly highest: number
}

/** Rows that are alike before anything is generalised. */
export interface AlikeRows {
  /** Values of the quasi-identifiers, in the order of the columns. */
  readonly values: readonly string[]
  readonly rows: number
  readonly sensitive: readonly Counts[]
}

export interface Solution {
  /** A level for each column. */
  readonly levels: readonly number[]
  /** Bits that the values lost (non-uniform entropy, as ARX counts it by default): 0 where nothing was generalised. */
  readonly loss: number
  /** Keys of the groups that are taken out, and how many rows they have. */
  readonly suppressed: ReadonlySet<string>
  readonly suppressedRows: number
}

/** The key of a group. */
export const groupKey = (values: readonly (string | null)[]): string => JSON.stringify(values)

/** Values by number and level, so that a node of the lattice compares numbers. */
interface Coded {
  readonly rows: readonly {
    readonly codes: Uint32Array
    readonly rows: number
    readonly sensitive: readonly Counts[]
  }[]
  /** By column, level and code of the value: the code of what it becomes. */
  readonly raised: readonly (readonly Uint32Array[])[]
  readonly names: readonly (readonly string[][])[]
  /** By column and level: what is lost. */
  readonly loss: readonly (readonly number[])[]
}

/** What a level of a column loses: for each row, how uncertain its value has become among those that share the generalised one. */
const lossOf = (frequency: readonly number[], raised: Uint32Array): number => {
  const shared = new Map<number, number>()
  for (const [code, count] of frequency.entries()) {
    const above = raised[code] as number
    shared.set(above, (shared.get(above) ?? 0) + count)
  }
  let sum = 0
  for (const [code, count] of frequency.entries())
    sum -= count * Math.log2(count / (shared.get(raised[code] as number) as number))
  return sum
}

const encode = (columns: readonly QuasiColumn[], alike: readonly AlikeRows[]): Coded => {
  const codes = columns.map(() => new Map<string, number>())
  const frequency = columns.map((): number[] => [])
  const rows = alike.map(({ values, rows: count, sensitive }) => ({
    rows: count,
    sensitive,
    codes: Uint32Array.from(values, (value, column) => {
      const known = codes[column] as Map<string, number>
      const code = known.get(value) ?? known.size
      known.set(value, code)
      const counts = frequency[column] as number[]
      counts[code] = (counts[code] ?? 0) + count
      return code
    }),
  }))
  const levelsOf = columns.map(({ hierarchy }, column) =>
    Array.from({ length: hierarchy.height + 1 }, (_, level) => {
      const numbers = new Map<string, number>()
      const raised = Uint32Array.from((codes[column] as Map<string, number>).keys(), (value) => {
        const general = hierarchy.generalise(value, level) ?? value
        const number = numbers.get(general) ?? numbers.size
        numbers.set(general, number)
        return number
      })
      return { raised, names: [...numbers.keys()] }
    }),
  )
  return {
    rows,
    raised: levelsOf.map((levels) => levels.map(({ raised }) => raised)),
    names: levelsOf.map((levels) => levels.map(({ names }) => names)),
    loss: levelsOf.map((levels, column) => levels.map(({ raised }) => lossOf(frequency[column] as number[], raised))),
  }
}

const raisedAt = (raised: Coded['raised'], column: number, level: number): Uint32Array =>
  (raised[column] as readonly Uint32Array[])[level] as Uint32Array

const groupsAt = ({ rows, raised, names }: Coded, levels: readonly number[]): Map<string, Group> => {
  const byNumbers = new Map<string, Group>()
  for (const { codes, rows: count, sensitive } of rows) {
    const numbers = levels.map((level, column) => raisedAt(raised, column, level)[codes[column] as number])
    addToGroup(byNumbers, numbers.join(), count, sensitive)
  }
  return new Map(
    [...byNumbers].map(([numbers, group]) => [
      groupKey(
        numbers
          .split(',')
          .map((number, column) => names[column]?.[levels[column] as number]?.[Number(number)] as string),
      ),
      group,
    ]),
  )
}

/** Every combination of levels, those that lose least first; equal ones by how little of their hierarchies they climb. */
const lattice = (columns: readonly QuasiColumn[], loss: Coded['loss']) => {
  let nodes: { levels: number[]; loss: number; climbed: number }[] = [{ levels: [], loss: 0, climbed: 0 }]
  for (const [column, { hierarchy, lowest, highest }] of columns.entries())
    nodes = nodes.flatMap((node) =>
      Array.from({ length: highest - lowest + 1 }, (_, step) => {
        const level = lowest + step
        return {
          levels: [...node.levels, level],
          loss: node.loss + (loss[column]?.[level] as number),
          climbed: node.climbed + (hierarchy.height === 0 ? 0 : level / hierarchy.height),
        }
      }),
    )
  // Sums of logarithms differ in their last digits where they are equal.
  const near = (left: number, right: number) => Math.abs(left - right) <= 1e-9 * Math.max(1, left, right)
  return nodes.sort((left, right) =>
    near(left.loss, right.loss) ? left.climbed - right.climbed : left.loss - right.loss,
  )
}

/** How many combinations of levels there are. */
export const latticeSize = (columns: readonly QuasiColumn[]): number =>
  columns.reduce((product, { lowest, highest }) => product * (highest - lowest + 1), 1)

/**
 * Raises each column’s lowest level while even the highest levels of the others do not make up for it: groups only grow as levels rise, so what
 * fails there fails everywhere below. Only k is asked, for which that holds with any limit of suppression.
 */
const pruned = (
  columns: readonly QuasiColumn[],
  coded: Coded,
  demand: Demand,
  mostSuppressed: number,
): QuasiColumn[] => {
  const tooSmall = (levels: readonly number[]): number =>
    [...groupsAt(coded, levels).values()].reduce((sum, { rows }) => sum + (rows < demand.k ? rows : 0), 0)
  return columns.map((column, at) => {
    let { lowest } = column
    while (
      lowest < column.highest &&
      tooSmall(columns.map(({ highest }, other) => (other === at ? lowest : highest))) > mostSuppressed
    )
      lowest++
    return { ...column, lowest }
  })
}

/**
 * Finds the levels that fulfil what is asked and lose least; null where none do. A row that is taken out counts as one that lost all it could.
 * Combinations are tried by what generalising alone loses, which is the least that they can lose: so the search ends, at the optimum, as soon as
 * that is no less than the best that was found.
 */
export const findLevels = (
  given: readonly QuasiColumn[],
  alike: readonly AlikeRows[],
  demand: Demand,
  mostSuppressed: number,
): Solution | null => {
  const coded = encode(given, alike)
  const columns = pruned(given, coded, demand, mostSuppressed)
  const all = demand.models.map((_, at) => {
    const counts = new Map<string, number>()
    for (const { sensitive } of alike) addCounts(counts, sensitive[at] as Counts)
    return counts
  })
  const total = alike.reduce((sum, { rows }) => sum + rows, 0)
  const most = given.reduce((sum, { hierarchy }, column) => sum + (coded.loss[column]?.[hierarchy.height] as number), 0)
  let best: Solution | null = null
  for (const { levels, loss } of lattice(columns, coded.loss)) {
    if (best !== null && loss >= best.loss) break
    const unsafe = [...groupsAt(coded, levels)].filter(([, group]) => !isSafe(group, demand, all))
    const suppressedRows = unsafe.reduce((sum, [, { rows }]) => sum + rows, 0)
    if (suppressedRows > mostSuppressed) continue
    const share = total === 0 ? 0 : suppressedRows / total
    const lost = loss * (1 - share) + most * share
    if (best === null || lost < best.loss)
      best = { levels, loss: lost, suppressed: new Set(unsafe.map(([key]) => key)), suppressedRows }
    if (suppressedRows === 0) break
  }
  return best
}
