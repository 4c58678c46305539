/** Laws by whose times a request is answered. */
export type Law = 'gdpr' | 'ccpa'

/** When what has to be done. */
export interface Deadlines {
  /** What the house promises. */
  readonly target: Date
  /** When its receipt has to be confirmed; null: the law asks for none. */
  readonly confirm: Date | null
  readonly due: Date
}

const DAY_MS = 86_400_000
const CCPA_CONFIRM_BUSINESS_DAYS = 10
const CCPA_DAYS = 45
const GDPR_FURTHER_MONTHS = 2

const addDays = (from: Date, days: number): Date => new Date(from.getTime() + days * DAY_MS)

/** The same day of a later month, or its last one (Regulation (EEC, Euratom) 1182/71, Article 3(2)(c)). */
const addMonths = (from: Date, months: number): Date => {
  const then = new Date(from)
  then.setUTCDate(1)
  then.setUTCMonth(from.getUTCMonth() + months)
  const last = new Date(Date.UTC(then.getUTCFullYear(), then.getUTCMonth() + 1, 0)).getUTCDate()
  then.setUTCDate(Math.min(from.getUTCDate(), last))
  return then
}

const addBusinessDays = (from: Date, days: number): Date => {
  let [then, left] = [from, days]
  while (left > 0) {
    then = addDays(then, 1)
    if (then.getUTCDay() !== 0 && then.getUTCDay() !== 6) left -= 1
  }
  return then
}

/**
 * When a request has to be answered: within one month (GDPR, Article 12(3)), or confirmed within 10 business days and answered within 45
 * days (CCPA regulations, section 7021). Public holidays are not known here: the confirmation is due no later than it says.
 */
export const deadlinesOf = (law: Law, received: Date, targetDays: number): Deadlines => {
  const due = law === 'gdpr' ? addMonths(received, 1) : addDays(received, CCPA_DAYS)
  const target = addDays(received, targetDays)
  return {
    target: target < due ? target : due,
    confirm: law === 'gdpr' ? null : addBusinessDays(received, CCPA_CONFIRM_BUSINESS_DAYS),
    due,
  }
}

/** When a request is due that was extended, with notice and reasons: by two further months, or 45 days. */
export const extendedDue = (law: Law, received: Date): Date =>
  law === 'gdpr' ? addMonths(received, 1 + GDPR_FURTHER_MONTHS) : addDays(received, 2 * CCPA_DAYS)
