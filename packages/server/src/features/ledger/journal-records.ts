import { crc32 } from 'node:zlib'
import type { Intent } from '../../domain/hold.ts'
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

const packReservation = (reservation: Reservation | null) =>
  reservation && { ...reservation, amount: reservation.amount.toString() }

/** The line of a record: CRC-32 of the JSON in hexadecimal, a space, the JSON. */
const toLine = (value: object): string => {
  const json = JSON.stringify(value)
  return `${crc32(json).toString(16).padStart(CHECKSUM_CHARACTERS, '0')} ${json}\n`
}

/** Writes an intent as a line. */
export const intentLine = (intent: Intent, reservation: Reservation | null, slot: number, tag: number): string => {
  const { rates, worstCase } = intent
  return toLine({
    ...intent,
    t: 'i',
    slot,
    tag,
    worstCase: worstCase === null ? null : worstCase.toString(),
    rates: rates && {
      input: rates.input.toString(),
      output: rates.output.toString(),
      perRequest: rates.perRequest.toString(),
    },
    reservation: packReservation(reservation),
  })
}

/** Writes an outcome as a line. */
export const outcomeLine = (row: LedgerRow): string =>
  toLine({
    ...row,
    t: 'o',
    cost: row.cost === null ? null : row.cost.toString(),
    reservation: packReservation(row.reservation),
  })

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
