import type { Breaches } from './breaches/breaches.ts'
import type { Requests } from './requests.ts'

/** Something that fires, or does not, as alerts take it. */
export interface PrivacyFinding {
  readonly name: string
  readonly severity: 'page' | 'ticket'
  readonly firing: boolean
  readonly summary: string
  readonly value: number
  readonly threshold: number
}

/** What is due, as last counted. */
export interface DueNow {
  /** Overdue. */
  readonly requests: number
  /** Of which the authority is still to be told. */
  readonly breaches: { readonly open: number; readonly due: Date | null }
}

const DAY_MS = 86_400_000

/** What the law wants by a time: requests of people that are overdue, and breaches of which the authority is still to be told. */
export const dueFindings = async (
  requests: Pick<Requests, 'countOverdue'>,
  breaches: Pick<Breaches, 'due'>,
  now: number,
): Promise<readonly PrivacyFinding[]> => {
  const overdue = await requests.countOverdue()
  const { open, overdue: late, due } = await breaches.due()
  const isNear = due !== null && due.getTime() - now < DAY_MS
  return [
    {
      name: 'privacy/requests',
      severity: 'ticket',
      firing: overdue > 0,
      summary: `${overdue} requests of people for their data are overdue: answer them, or say why not.`,
      value: overdue,
      threshold: 1,
    },
    {
      name: 'privacy/breaches',
      severity: isNear ? 'page' : 'ticket',
      firing: open > 0,
      summary: `${open} breaches of personal data wait for the authority to be told, ${late} of them past the 72 hours; the first is due ${due?.toISOString() ?? ''}.`,
      value: open,
      threshold: 1,
    },
  ]
}
