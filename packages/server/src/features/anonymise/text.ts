/** Something found in a text, as Presidio’s analyzer says it: offsets in code points are not meant, but those of the text as it is given. */
export interface TextFinding {
  readonly entity: string
  readonly start: number
  readonly end: number
  readonly score: number
}

/** Whether another finding says the same or more: the same place with a score as high, or a larger place around it (Presidio, overlapping entities). */
const isCovered = (one: TextFinding, other: TextFinding, isLater: boolean): boolean => {
  if (one.start === other.start && one.end === other.end)
    return one.score < other.score || (one.score === other.score && isLater)
  return one.start >= other.start && one.end <= other.end
}

/** Findings that are bounded: comparing each with each must end soon. */
const mostFindings = 2_000

/**
 * Puts something else in the place of what was found, by its kind. Of findings at one place the one with the higher score counts, of those within
 * one another the larger; where two overlap in part, both are replaced, one after the other.
 */
export const replaceFindings = (
  text: string,
  findings: readonly TextFinding[],
  operate: (entity: string, found: string) => string,
): string => {
  const sorted = findings
    .filter(({ start, end }) => start >= 0 && start < end && end <= text.length)
    .slice(0, mostFindings)
    .sort((left, right) => left.start - right.start || left.end - right.end)
  const kept = sorted.filter(
    (one, at) => !sorted.some((other, otherAt) => at !== otherAt && isCovered(one, other, at > otherAt)),
  )
  let made = ''
  let at = 0
  for (const { entity, start, end } of kept) {
    made += text.slice(at, Math.max(at, start)) + operate(entity, text.slice(start, end))
    at = Math.max(at, end)
  }
  return made + text.slice(at)
}
