import type { Hierarchy } from './hierarchy.ts'

/** How often each value of a sensitive column stands in a group of rows. */
export type Counts = ReadonlyMap<string, number>

/** What a group has to fulfil about a sensitive column. */
export type SensitiveModel =
  | { readonly column: string; readonly model: 'distinct_l'; readonly l: number }
  | { readonly column: string; readonly model: 'entropy_l'; readonly l: number }
  | { readonly column: string; readonly model: 'recursive_l'; readonly l: number; readonly c: number }
  | { readonly column: string; readonly model: 't_closeness'; readonly t: number; readonly tree?: Hierarchy }

const totalOf = (counts: Counts): number => [...counts.values()].reduce((sum, count) => sum + count, 0)

/** exp of the entropy of a group: how many equally frequent values would be as hard to guess (Machanavajjhala et al. 2007, entropy l-diversity). */
export const entropyL = (counts: Counts): number => {
  const total = totalOf(counts)
  return Math.exp([...counts.values()].reduce((sum, count) => sum - (count / total) * Math.log(count / total), 0))
}

/** Whether the most frequent value is less frequent than `c` times the values from the `l`th on (recursive (c, l)-diversity, same paper). */
const isRecursive = (counts: Counts, c: number, l: number): boolean => {
  const sorted = [...counts.values()].sort((left, right) => right - left)
  if (sorted.length < l) return false
  return (sorted[0] as number) < c * sorted.slice(l - 1).reduce((sum, count) => sum + count, 0)
}

/** Half the sum of what frequencies differ by: the earth mover’s distance where every value is equally far from every other (Li et al. 2007, 4.2). */
const equalDistance = (group: Counts, all: Counts): number => {
  const [inGroup, inAll] = [totalOf(group), totalOf(all)]
  let sum = 0
  for (const [value, count] of all) sum += Math.abs((group.get(value) ?? 0) / inGroup - count / inAll)
  return sum / 2
}

/**
 * The earth mover’s distance over a tree (Li et al. 2007, 4.2): what is too much below one child of a node and too little below another moves
 * through that node, at the cost of its height by that of the tree.
 */
const treeDistance = (group: Counts, all: Counts, tree: Hierarchy): number => {
  const [inGroup, inAll] = [totalOf(group), totalOf(all)]
  let extras = new Map<string, { readonly path: string; readonly extra: number }>()
  for (const [value, count] of all)
    extras.set(value, { path: value, extra: (group.get(value) ?? 0) / inGroup - count / inAll })
  let cost = 0
  for (let level = 1; level <= tree.height; level++) {
    const above = new Map<string, { path: string; extra: number; positive: number; negative: number }>()
    for (const { path, extra } of extras.values()) {
      const node = tree.generalise(path, level) ?? ''
      const sum = above.get(node) ?? { path, extra: 0, positive: 0, negative: 0 }
      sum.extra += extra
      if (extra > 0) sum.positive += extra
      else sum.negative -= extra
      above.set(node, sum)
    }
    for (const { positive, negative } of above.values()) cost += (level / tree.height) * Math.min(positive, negative)
    extras = above
  }
  return cost
}

/** How far the values of a group are from those of all rows; from 0 to 1. */
export const distanceOf = (group: Counts, all: Counts, tree: Hierarchy | undefined): number =>
  tree === undefined ? equalDistance(group, all) : treeDistance(group, all, tree)

/** What floating point may miss by. */
const tolerance = 1e-9

/** Whether a group fulfils a model; `all` are the values of every row. */
export const fulfils = (model: SensitiveModel, group: Counts, all: Counts): boolean => {
  if (model.model === 'distinct_l') return group.size >= model.l
  if (model.model === 'entropy_l') return entropyL(group) >= model.l - tolerance
  if (model.model === 'recursive_l') return isRecursive(group, model.c, model.l)
  return distanceOf(group, all, model.tree) <= model.t + tolerance
}
