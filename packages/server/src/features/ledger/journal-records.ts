import { crc32 } from 'node:zlib'
import type { Attempt, Intent } from '../../domain/hold.ts'
import type { NanoUsd } from '../../domain/money.ts'
import { quoteJson, quoteJsonOrNull } from '../../kernel/json.ts'
import type { LedgerRow, Reservation } from './row.ts'

/** A call that was admitted, and where its progress is noted. */
export interface IntentRecord {
  readonly kind: 'intent'
  readonly intent: Intent
  readonly reservation: Reservation | null
  readonly slot: number
  readonly tag: number
}

/** What a call came to. */
export interface OutcomeRecord {
  readonly kind: 'outcome'
  readonly row: LedgerRow
}

export type JournalRecord = IntentRecord | OutcomeRecord

const CHECKSUM_CHARACTERS = 8

const reservationJson = (reservation: Reservation | null): string =>
  reservation
    ? `{"leaseId":${quoteJson(reservation.leaseId)},"windowStart":${reservation.windowStart},"amount":"${reservation.amount}"}`
    : 'null'

const amountJson = (amount: NanoUsd | null): string => (amount === null ? 'null' : `"${amount}"`)

/** The line of a record: CRC-32 of the JSON in hexadecimal, a space, the JSON. */
const toLine = (json: string): string => `${crc32(json).toString(16).padStart(CHECKSUM_CHARACTERS, '0')} ${json}\n`

/** Writes an intent as a line. */
export const intentLine = (intent: Intent, reservation: Reservation | null, slot: number, tag: number): string => {
  const { rates } = intent
  return toLine(
    `{"t":"i","id":${quoteJson(intent.id)},"requestId":${quoteJson(intent.requestId)}` +
      `,"projectId":${quoteJson(intent.projectId)},"keyId":${quoteJson(intent.keyId)},"user":${quoteJsonOrNull(intent.user)}` +
      `,"operation":"${intent.operation}","stream":${intent.stream},"target":${quoteJson(intent.target)},"at":${intent.at}` +
      `,"budgetId":${quoteJsonOrNull(intent.budgetId)},"worstCase":${amountJson(intent.worstCase)}` +
      `,"inputTokensEstimate":${intent.inputTokensEstimate}` +
      (rates
        ? `,"rates":{"input":"${rates.input}","output":"${rates.output}","perRequest":"${rates.perRequest}"}`
        : ',"rates":null') +
      `,"reservation":${reservationJson(reservation)},"slot":${slot},"tag":${tag}}`,
  )
}

const attemptJson = ({ target, status, durationMs, fault }: Attempt): string =>
  `{"target":${quoteJson(target)},"status":${status},"durationMs":${durationMs},"fault":${quoteJsonOrNull(fault)}}`

/** Writes an outcome as a line. */
export const outcomeLine = (row: LedgerRow): string =>
  toLine(
    `{"t":"o","id":${quoteJson(row.id)},"requestId":${quoteJson(row.requestId)}` +
      `,"projectId":${quoteJson(row.projectId)},"keyId":${quoteJson(row.keyId)},"user":${quoteJsonOrNull(row.user)}` +
      `,"operation":${quoteJson(row.operation)},"target":${quoteJson(row.target)},"stream":${row.stream},"at":${row.at}` +
      `,"outcome":"${row.outcome}","estimated":${row.estimated},"inputTokens":${row.inputTokens}` +
      `,"cachedInputTokens":${row.cachedInputTokens},"cacheWriteInputTokens":${row.cacheWriteInputTokens}` +
      `,"outputTokens":${row.outputTokens}` +
      `,"reasoningTokens":${row.reasoningTokens},"cost":${amountJson(row.cost)}` +
      `,"priceVersion":${quoteJsonOrNull(row.priceVersion)},"fault":${quoteJsonOrNull(row.fault)}` +
      `,"attempts":[${row.attempts.map(attemptJson).join()}],"durationMs":${row.durationMs}` +
      `,"firstByteMs":${row.firstByteMs},"budgetId":${quoteJsonOrNull(row.budgetId)}` +
      `,"reservation":${reservationJson(row.reservation)}}`,
  )

type Packed<T> = { [K in keyof T]: T[K] extends bigint | null ? string | null : T[K] }
interface PackedReservation extends Omit<Reservation, 'amount'> {
  readonly amount: string
}

const unpackReservation = (packed: PackedReservation | null): Reservation | null =>
  packed && { ...packed, amount: BigInt(packed.amount) }

const unpackIntent = (value: Record<string, unknown>): IntentRecord => {
  const { t: _, slot, tag, reservation, worstCase, rates, ...rest } = value
  const money = rates as Record<'input' | 'output' | 'perRequest', string> | null
  const intent = {
    ...rest,
    worstCase: worstCase === null ? null : BigInt(worstCase as string),
    rates: money && {
      input: BigInt(money.input),
      output: BigInt(money.output),
      perRequest: BigInt(money.perRequest),
    },
  } as Intent
  return {
    kind: 'intent',
    intent,
    reservation: unpackReservation(reservation as PackedReservation | null),
    slot: slot as number,
    tag: tag as number,
  }
}

const unpackOutcome = (value: Record<string, unknown>): OutcomeRecord => {
  const { t: _, cost, reservation, ...rest } = value as unknown as Packed<LedgerRow> & { t: string }
  return {
    kind: 'outcome',
    row: {
      ...rest,
      // A line of a version that did not count them.
      cacheWriteInputTokens: rest.cacheWriteInputTokens ?? 0,
      cost: cost === null ? null : BigInt(cost),
      reservation: unpackReservation(reservation as PackedReservation | null),
    },
  }
}

/** Reads a line without its line end; null when it is torn or damaged. */
export const readLine = (line: string): JournalRecord | null => {
  const json = line.slice(CHECKSUM_CHARACTERS + 1)
  if (line[CHECKSUM_CHARACTERS] !== ' ' || Number.parseInt(line.slice(0, CHECKSUM_CHARACTERS), 16) !== crc32(json)) {
    return null
  }
  try {
    const value = JSON.parse(json) as Record<string, unknown>
    return value.t === 'i' ? unpackIntent(value) : unpackOutcome(value)
  } catch {
    return null
  }
}
