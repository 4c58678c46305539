import type { Config } from '../config/schema.ts'
import type { ReceiverSecrets, Secrets } from '../config/secrets.ts'
import type { BudgetAlert } from '../domain/budget-alert.ts'
import { formatUsd } from '../domain/money.ts'
import type { Alerts } from '../features/alerts/alerts.ts'
import type { AlertSettings, Receiver } from '../features/alerts/alerts.ports.ts'

const both = ['page', 'ticket'] as const

const wayOf = ({ kind, url, signing_key, smtp_url, from = '', to = [] }: ReceiverSecrets): Receiver['way'] => {
  const address = url?.reveal() ?? ''
  if (kind === 'email') return { kind, smtpUrl: smtp_url?.reveal() ?? '', from, to }
  return kind === 'slack' ? { kind, url: address } : { kind, url: address, signingKey: signing_key?.reveal() ?? null }
}

/** What is watched and who is told, as configured at the moment of asking. */
export const alertSettings = (
  settings: () => { readonly config: Config; readonly secrets: Secrets },
): AlertSettings => ({
  objectives: () => settings().config.objectives,
  rules: () => settings().config.alerts,
  receivers: () =>
    Object.fromEntries(
      Object.entries(settings().secrets.receivers).map(([name, receiver]) => [
        name,
        { severities: receiver.severities ?? both, way: wayOf(receiver) },
      ]),
    ),
})

const PERCENT = 100

/** A budget that reached a threshold, as receivers are told of it. */
export const budgetEvent = (alert: BudgetAlert): Parameters<Alerts['tell']>[0] => {
  const { budget, budgetId, projectId, subject, kind, limit, spent, forecast } = alert
  const whose = [projectId, subject].filter((part) => part !== null && part !== '').join(', ')
  const name = budget ?? `key budget ${budgetId}`
  const where = whose === '' ? name : `${name} (${whose})`
  const used = `${formatUsd(spent)} of ${formatUsd(limit)} USD`
  return {
    name: `budget/${budget ?? budgetId}`,
    severity: kind === '100' ? 'page' : 'ticket',
    summary:
      kind === 'forecast'
        ? `The budget ${where} has spent ${used} and will have spent ${formatUsd(forecast ?? 0n)} USD at this pace.`
        : `The budget ${where} has spent ${kind} %: ${used}.`,
    value: Number(((kind === 'forecast' ? (forecast ?? 0n) : spent) * BigInt(PERCENT)) / (limit === 0n ? 1n : limit)),
    threshold: kind === 'forecast' ? PERCENT : Number(kind),
  }
}
