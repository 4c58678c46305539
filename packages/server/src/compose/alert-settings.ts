import type { Config } from '../config/schema.ts'
import type { ReceiverSecrets, Secrets } from '../config/secrets.ts'
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
