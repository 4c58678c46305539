import { createHmac } from 'node:crypto'
import type { AlertView } from '@headgate/contract/alerts.ts'
import type { StoredAlert } from './alerts.store.ts'

const time = (milliseconds: number): string => new Date(milliseconds).toISOString()

/** An alert as it is shown and sent. */
export const viewAlert = (alert: StoredAlert): AlertView => ({
  object: 'alert',
  id: alert.id,
  name: alert.name,
  state: alert.endedAt === null ? 'firing' : 'resolved',
  severity: alert.severity,
  summary: alert.summary,
  value: alert.value,
  threshold: alert.threshold,
  started_at: time(alert.startedAt),
  ended_at: alert.endedAt === null ? null : time(alert.endedAt),
})

/** An alert as it was when this was to be told: a delivery may come after the end. */
const as = (alert: StoredAlert, state: 'firing' | 'resolved'): AlertView =>
  viewAlert(state === 'firing' ? { ...alert, endedAt: null } : alert)

/** Body of a webhook. */
export const webhookBody = (alert: StoredAlert, state: 'firing' | 'resolved'): string =>
  JSON.stringify(as(alert, state))

/**
 * Value of `x-headgate-signature`: `t=<seconds>,v1=<hex>`, the HMAC-SHA-256 of `<seconds>.<body>`, so that a receiver can refuse
 * what is old or not ours.
 */
export const signature = (key: string, body: string, now: number): string => {
  const seconds = Math.floor(now / 1_000)
  return `t=${seconds},v1=${createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex')}`
}

/** In one line, for chats and subjects. */
export const headline = ({ name, severity }: StoredAlert, state: 'firing' | 'resolved'): string =>
  `[${state === 'firing' ? severity : 'resolved'}] ${name}`

/** Slack takes these three as markup: api.slack.com/reference/surfaces/formatting#escaping. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Body for an incoming webhook of Slack, and of the chats that take the same (Mattermost, Rocket.Chat). */
export const slackBody = (alert: StoredAlert, state: 'firing' | 'resolved'): string =>
  JSON.stringify({ text: `*${escaped(headline(alert, state))}*\n${escaped(alert.summary)}` })

/** Text of a mail. */
export const mailText = (alert: StoredAlert, state: 'firing' | 'resolved'): string =>
  [
    alert.summary,
    '',
    `Alert      ${alert.name} (${alert.severity})`,
    `State      ${state}`,
    `Value      ${alert.value}, threshold ${alert.threshold}`,
    `Started    ${time(alert.startedAt)}`,
    ...(state === 'resolved' && alert.endedAt !== null ? [`Ended      ${time(alert.endedAt)}`] : []),
    `Id         ${alert.id}`,
    '',
  ].join('\n')
