import type { AccessReview, ReviewFinding } from '@headgate/contract/audit.ts'
import type { AccessLists, ReviewedKey } from './audit.ports.ts'

const DAY_MS = 86_400_000
/** Unused for so long, an access is one that nobody would miss. */
const idleDays = 90
/** An end that is so near is told. */
const soonDays = 14

const daysSince = (time: string, now: number): number => Math.floor((now - Date.parse(time)) / DAY_MS)

const findingsOfKey = (key: ReviewedKey, now: number): ReviewFinding[] => {
  if (key.state !== 'active' && key.state !== 'suspended') return []
  const about = (kind: ReviewFinding['kind'], message: string): ReviewFinding => ({
    kind,
    subject: `key/${key.id}`,
    message,
  })
  const findings: ReviewFinding[] = []
  if (key.expires_at === null) findings.push(about('key_without_end', 'It never expires.'))
  else {
    const left = -daysSince(key.expires_at, now)
    if (Date.parse(key.expires_at) <= now) findings.push(about('key_expired', 'It has expired, and is not taken away.'))
    else if (left <= soonDays) findings.push(about('key_ends_soon', `It expires at ${key.expires_at}.`))
  }
  const idle = daysSince(key.last_used_at ?? key.created_at, now)
  if (idle >= idleDays)
    findings.push(
      about(
        'key_idle',
        key.last_used_at === null ? `It was never used, for ${idle} days.` : `It was last used ${idle} days ago.`,
      ),
    )
  return findings
}

/** Who may do what here, who did something in the last `days`, and what should be looked at. */
export const reviewAccess = (
  { operators, sessions, keys }: AccessLists,
  actions: ReadonlyMap<string, number>,
  { now, days }: { readonly now: number; readonly days: number },
): AccessReview => {
  const reviewed = operators.map((operator) => {
    const own = sessions.filter((session) => session.operator === operator.id)
    return {
      ...operator,
      open_sessions: own.filter(({ revoked_at, expires_at }) => revoked_at === null && Date.parse(expires_at) > now)
        .length,
      last_session_at: own
        .map(({ created_at }) => created_at)
        .reduce<string | null>((one, other) => (one !== null && one > other ? one : other), null),
      actions: actions.get(operator.id) ?? 0,
    }
  })
  const others = [...actions].filter(([actor]) => !operators.some(({ id }) => id === actor))
  const idle = reviewed.flatMap(({ id, state, created_at, last_session_at }): ReviewFinding[] => {
    const since = daysSince(last_session_at ?? created_at, now)
    return state === 'active' && since >= idleDays
      ? [{ kind: 'operator_idle', subject: `operator/${id}`, message: `No session was begun for ${since} days.` }]
      : []
  })
  const usesAdminKey = (actions.get('admin') ?? 0) > 0 && reviewed.some(({ state }) => state === 'active')
  return {
    object: 'access_review',
    at: new Date(now).toISOString(),
    days,
    operators: reviewed,
    other_actors: others.map(([actor, count]) => ({ actor, actions: count })),
    keys: keys.map(({ id, name, project, kind, tier, state, created_at, expires_at, last_used_at }) => ({
      ...{ id, name, project, kind, tier, state, created_at, expires_at, last_used_at },
    })),
    findings: [
      ...idle,
      ...(usesAdminKey
        ? [
            {
              kind: 'shared_key_used' as const,
              subject: 'admin_key',
              message: 'The admin key was used, which names nobody; operators have sessions of their own.',
            },
          ]
        : []),
      ...keys.flatMap((key) => findingsOfKey(key, now)),
    ],
  }
}
