import { crc32 } from 'node:zlib'
import { type Attempt, type Intent, noBudgets } from '../../domain/hold.ts'
import { noAmounts } from '../../domain/media.ts'
import type { NanoUsd } from '../../domain/money.ts'
import { quoteJson, quoteJsonOrNull } from '../../kernel/json.ts'
import type { LedgerRow, Reservation } from './row.ts'

/** A call that was admitted, and where its progress is noted. */
export interface IntentRecord {
  readonly kind: 'intent'
  readonly intent: Intent
  readonly reservations: readonly Reservation[]
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

const reservationJson = ({ leaseId, windowStart, amount, targets }: Reservation): string =>
  `{"leaseId":${quoteJson(leaseId)},"windowStart":${windowStart},"amount":"${amount}"` +
  (targets === null ? '}' : `,"targets":[${targets.map(quoteJson).join()}]}`)

/** The first stands as it has since lines had one at most; the others follow it. */
const reservationsJson = (reservations: readonly Reservation[]): string => {
  const [first] = reservations
  if (first === undefined) return ',"budgetId":null,"reservation":null'
  let json = `,"budgetId":${quoteJson(first.budgetId)},"reservation":${reservationJson(first)}`
  for (let index = 1; index < reservations.length; index++) {
    const further = reservations[index] as Reservation
    json += `${index === 1 ? ',"further":[' : ','}{"budgetId":${quoteJson(further.budgetId)},"reservation":${reservationJson(further)}}`
  }
  return reservations.length > 1 ? `${json}]` : json
}

const amountJson = (amount: NanoUsd | null): string => (amount === null ? 'null' : `"${amount}"`)

/** The line of a record: CRC-32 of the JSON in hexadecimal, a space, the JSON. */
const toLine = (json: string): string => `${crc32(json).toString(16).padStart(CHECKSUM_CHARACTERS, '0')} ${json}\n`

/** Writes an intent as a line. */
export const intentLine = (intent: Intent, reservations: readonly Reservation[], slot: number, tag: number): string => {
  const { rates } = intent
  return toLine(
    `{"t":"i","id":${quoteJson(intent.id)},"requestId":${quoteJson(intent.requestId)}` +
      `,"projectId":${quoteJson(intent.projectId)},"keyId":${quoteJson(intent.keyId)},"user":${quoteJsonOrNull(intent.user)}` +
      `,"operation":"${intent.operation}","stream":${intent.stream},"target":${quoteJson(intent.target)},"at":${intent.at}` +
      `,"worstCase":${amountJson(intent.worstCase)}` +
      `,"inputTokensEstimate":${intent.inputTokensEstimate}` +
      (rates
        ? `,"rates":{"input":"${rates.input}","output":"${rates.output}","perRequest":"${rates.perRequest}"}`
        : ',"rates":null') +
      `${reservationsJson(reservations)},"slot":${slot},"tag":${tag}}`,
  )
}

const attemptJson = ({ target, status, durationMs, fault }: Attempt): string =>
  `{"target":${quoteJson(target)},"status":${status},"durationMs":${durationMs},"fault":${quoteJsonOrNull(fault)}}`

/** Only where there are any, so that a conversation's line is as it always was. */
const amountsJson = ({ amounts }: LedgerRow): string =>
  amounts === noAmounts
    ? ''
    : `,"amounts":{"images":${amounts.images},"audioMs":${Math.round(amounts.audioMs)},"characters":${amounts.characters}}`

/** Only of answers from the cache. */
const savedJson = ({ saved }: LedgerRow): string => (saved === undefined ? '' : `,"saved":${amountJson(saved)}`)

/** Writes an outcome as a line. */
export const outcomeLine = (row: LedgerRow): string =>
  toLine(
    `{"t":"o","id":${quoteJson(row.id)},"requestId":${quoteJson(row.requestId)}` +
      `,"projectId":${quoteJson(row.projectId)},"keyId":${quoteJson(row.keyId)},"user":${quoteJsonOrNull(row.user)}` +
      `,"operation":${quoteJson(row.operation)},"target":${quoteJson(row.target)},"stream":${row.stream},"at":${row.at}` +
      `,"outcome":"${row.outcome}","estimated":${row.estimated},"inputTokens":${row.inputTokens}` +
      `,"cachedInputTokens":${row.cachedInputTokens},"cacheWriteInputTokens":${row.cacheWriteInputTokens}` +
      `,"cacheWriteHourInputTokens":${row.cacheWriteHourInputTokens}` +
      `,"outputTokens":${row.outputTokens}` +
      `,"reasoningTokens":${row.reasoningTokens}${amountsJson(row)},"cost":${amountJson(row.cost)}${savedJson(row)}` +
      `,"priceVersion":${quoteJsonOrNull(row.priceVersion)},"fault":${quoteJsonOrNull(row.fault)}` +
      `,"attempts":[${row.attempts.map(attemptJson).join()}],"durationMs":${row.durationMs}` +
      `,"firstByteMs":${row.firstByteMs}${reservationsJson(row.reservations)}}`,
  )

type Packed<T> = { [K in keyof T]: T[K] extends bigint | null | undefined ? string | null : T[K] }

interface PackedReservation {
  readonly budgetId: string | null
  readonly reservation: {
    readonly leaseId: string
    readonly windowStart: number
    readonly amount: string
    readonly targets?: readonly string[]
  } | null
}

interface PackedReservations extends PackedReservation {
  readonly further?: readonly PackedReservation[]
}

const unpackReservations = (packed: PackedReservations): readonly Reservation[] =>
  [packed, ...(packed.further ?? [])].flatMap(({ budgetId, reservation }) =>
    budgetId === null || reservation === null
      ? []
      : [{ targets: null, ...reservation, budgetId, amount: BigInt(reservation.amount) }],
  )

const unpackIntent = (value: Record<string, unknown>): IntentRecord => {
  const { t: _, slot, tag, budgetId, reservation, further, worstCase, rates, ...rest } = value
  const money = rates as Record<'input' | 'output' | 'perRequest', string> | null
  const intent = {
    ...rest,
    budgets: noBudgets,
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
    reservations: unpackReservations({ budgetId, reservation, further } as PackedReservations),
    slot: slot as number,
    tag: tag as number,
  }
}

const unpackOutcome = (value: Record<string, unknown>): OutcomeRecord => {
  const {
    t: _,
    cost,
    saved,
    budgetId,
    reservation,
    further,
    ...rest
  } = value as unknown as Packed<Omit<LedgerRow, 'reservations'>> & PackedReservations & { t: string }
  return {
    kind: 'outcome',
    row: {
      ...rest,
      // A line of a version that did not count them.
      cacheWriteInputTokens: rest.cacheWriteInputTokens ?? 0,
      amounts: rest.amounts ?? noAmounts,
      cacheWriteHourInputTokens: rest.cacheWriteHourInputTokens ?? null,
      cost: cost === null ? null : BigInt(cost),
      ...(saved !== undefined && { saved: saved === null ? null : BigInt(saved) }),
      reservations: unpackReservations({ budgetId, reservation, ...(further && { further }) }),
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
