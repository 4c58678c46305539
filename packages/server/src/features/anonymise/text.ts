/** Something found in a text, as Presidio’s analyzer says it: offsets in code points are not meant, but those of the text as it is given. */
export interface TextFinding {
  readonly entity: string
  readonly start: number
  readonly end: number
  readonly score: number
}

/**
 * Without findings that another one covers (Presidio, overlapping entities): at the same place the one with the highest score stays, of those within
 * one another the largest; in the order of their places.
 */
const uncovered = (findings: readonly TextFinding[]): TextFinding[] => {
  const sorted = findings.toSorted(
    (left, right) => left.start - right.start || right.end - left.end || right.score - left.score,
  )
  let reached = 0
  return sorted.filter(({ end }) => {
    const reachesOn = end > reached
    reached = Math.max(reached, end)
    return reachesOn
  })
}

/**
 * Puts something else in the place of what was found, by its kind. Of findings at one place the one with the higher score counts, of those within
 * one another the larger; where two overlap in part, both are replaced, one after the other.
 */
export const replaceFindings = (
  text: string,
  findings: readonly TextFinding[],
  operate: (entity: string, found: string) => string,
): string => {
  const kept = uncovered(findings.filter(({ start, end }) => start >= 0 && start < end && end <= text.length))
  let made = ''
  let at = 0
  for (const { entity, start, end } of kept) {
    made += text.slice(at, Math.max(at, start)) + operate(entity, text.slice(start, end))
    at = Math.max(at, end)
  }
  return made + text.slice(at)
}
