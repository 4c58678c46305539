import { findPersonal } from './personal.ts'
import type { Finding, RedactedKind } from '../../domain/redacted-kinds.ts'
import { findSecrets } from './secrets.ts'

/** How often each kind was found. */
export type Counts = Partial<Record<RedactedKind, number>>

const markOf = (kind: RedactedKind): string => `[redacted:${kind}]`

/**
 * Takes out what should not leave: each finding becomes a mark such as `[redacted:email]`, and is counted. Of findings that overlap the
 * first one counts, and secrets before what is personal. Linear in the text: every finder walks on from marks that it finds by native search, or
 * tries a bounded number of characters.
 */
export const createRedaction = (kinds: readonly RedactedKind[]) => {
  const wanted: ReadonlySet<RedactedKind> = new Set(kinds)
  return (text: string, counts: Counts): string => {
    const findings: Finding[] = [...findSecrets(text, wanted), ...findPersonal(text, wanted)]
    if (findings.length === 0) return text
    // Stable: at one place a secret stands before what is personal.
    findings.sort((left, right) => left.start - right.start)
    let redacted = ''
    let at = 0
    for (const { kind, start, end } of findings) {
      if (start < at) {
        // What is left of one that began within another is no less secret.
        at = Math.max(at, end)
        continue
      }
      redacted += text.slice(at, start) + markOf(kind)
      at = end
      counts[kind] = (counts[kind] ?? 0) + 1
    }
    return redacted + text.slice(at)
  }
}
