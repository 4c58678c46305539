import type { Log } from '../../kernel/log.ts'
import type { Deliver } from '../../kernel/outbound.ts'
import type { Receiver, SendMail } from './alerts.ports.ts'
import type { AlertStore, Due, StoredAlert } from './alerts.store.ts'
import { headline, mailText, signature, slackBody, webhookBody } from './messages.ts'

export interface NotifyPorts {
  readonly store: Pick<AlertStore, 'takeDue' | 'delivered'>
  readonly receivers: () => Readonly<Record<string, Receiver>>
  readonly deliver: Deliver
  readonly sendMail: SendMail
  readonly now: () => number
  readonly log: Log
  /** A delivery was taken, or not. */
  readonly onDelivery: (receiver: string, result: 'ok' | 'failed') => void
}

const TIMEOUT_MS = 10_000
/** While one replica tries, no other does. */
const CLAIM_MS = 60_000
const AT_ONCE = 50
/** Tries over about six hours: 30 s, doubled up to an hour. */
const MOST_ATTEMPTS = 12
const FIRST_PAUSE_MS = 30_000
const LONGEST_PAUSE_MS = 3_600_000

/** Tells one receiver. Rejects with why it was not taken. */
const send = async (
  { way }: Receiver,
  alert: StoredAlert,
  state: Due['state'],
  { deliver, sendMail, now }: Pick<NotifyPorts, 'deliver' | 'sendMail' | 'now'>,
): Promise<void> => {
  if (way.kind === 'email') {
    const { smtpUrl, from, to } = way
    await sendMail(smtpUrl, { from, to, subject: `Headgate ${headline(alert, state)}`, text: mailText(alert, state) })
    return
  }
  const body = way.kind === 'slack' ? slackBody(alert, state) : webhookBody(alert, state)
  const headers: Record<string, string> = {}
  if (way.kind === 'webhook' && way.signingKey !== null)
    headers['x-headgate-signature'] = signature(way.signingKey, body, now())
  const { status } = await deliver(way.url, headers, body, TIMEOUT_MS)
  if (status >= 300) throw new Error(`it answered ${status}`)
}

/** An address may hold a key, and some errors name it. */
const reasonOf = (cause: unknown, { way }: Receiver): string => {
  const words = cause instanceof Error ? cause.message : String(cause)
  const address = way.kind === 'email' ? way.smtpUrl : way.url
  return words.replaceAll(address, '***').slice(0, 300)
}

/** Tells receivers what is due, until they have taken it. */
export const createNotify = (ports: NotifyPorts) => {
  const { store, log, onDelivery } = ports

  const tell = async (due: Due): Promise<void> => {
    const receiver = ports.receivers()[due.receiver]
    if (receiver === undefined) {
      await store.delivered(due, 'there is no such receiver any more', null)
      return
    }
    try {
      await send(receiver, due.alert, due.state, ports)
    } catch (cause) {
      const reason = reasonOf(cause, receiver)
      onDelivery(due.receiver, 'failed')
      log.warn(
        { component: 'alerts', id: due.alert.id, attempt: due.attempts, reason },
        'A receiver of alerts took nothing',
      )
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (due.attempts - 1))
      await store.delivered(due, reason, due.attempts >= MOST_ATTEMPTS ? null : pause)
      return
    }
    onDelivery(due.receiver, 'ok')
    await store.delivered(due, null, null)
  }

  return {
    /** Tells all that is due now. */
    run: async (): Promise<void> => {
      const due = await store.takeDue(CLAIM_MS, AT_ONCE)
      // In order for each receiver: an end must not come before its beginning.
      const byReceiver = Map.groupBy(due, ({ receiver }) => receiver)
      await Promise.all(
        [...byReceiver.values()].map(async (list) => {
          for (const one of list) await tell(one)
        }),
      )
    },
    /** Sends a receiver something to try it; resolves to what went wrong, or null. */
    test: async (receiver: Receiver, alert: StoredAlert): Promise<string | null> => {
      try {
        await send(receiver, alert, 'firing', ports)
        return null
      } catch (cause) {
        return reasonOf(cause, receiver)
      }
    },
  }
}
