/**
 * Damerau–Levenshtein distance in its optimal string alignment form: insertions, deletions, substitutions and swaps of
 * neighbours each cost 1. (Damerau 1964; recurrence of Boytsov 2011, "Indexing methods for approximate dictionary searching".)
 */
export const editDistance = (left: string, right: string): number => {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1]
      let best = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      )
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      if (swapped) best = Math.min(best, (beforePrevious[column - 2] ?? 0) + 1)
      current.push(best)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[right.length] ?? 0
}

/** The candidate nearest to a mistyped name, or undefined when none is near enough to be meant (a third of its length, at least 2). */
export const nearestName = (name: string, candidates: readonly string[]): string | undefined => {
  const wanted = name.slice(0, 100).toLowerCase().replaceAll('-', '_')
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(wanted.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase().replaceAll('-', '_'))
    // A distance as long as the candidate means that nothing of it was kept.
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}
