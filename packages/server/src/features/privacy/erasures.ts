import { randomBytes } from 'node:crypto'
import type { Erasure } from '@headgate/contract/privacy.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { prefixedId } from '../../kernel/ids.ts'
import type { Log } from '../../kernel/log.ts'
import type { TableMap } from './data-map.ts'
import { journalLine } from './erasure-journal.ts'
import type { ErasureRow, ErasureStore, Person, Touched } from './erasures.store.ts'
import type { HoldStore } from './holds.store.ts'
import { type ReceiptSigner, receiptOf } from './receipt.ts'

/** Who asks for an erasure, for the audit. */
export interface Requester {
  readonly actor: string
  readonly requestId: string
  readonly reason?: string
}

export interface ErasurePorts {
  readonly store: ErasureStore
  readonly signer: ReceiptSigner
  readonly map: Readonly<Record<string, TableMap>>
  /** What must not be erased for now. */
  readonly holds: Pick<HoldStore, 'until'>
  /** Keeps a line outside the database, so that an erasure is known after an older backup was restored. */
  readonly journal: { readonly add: (line: string) => Promise<void> }
  readonly clock: Clock
  readonly log: Log
  /** Minutes after which it is looked for what came late. */
  readonly settleMinutes: () => number
  /** Takes out what a person has outside the tables, and the rows that go with it. */
  readonly forget: (person: Person, by: Requester) => Promise<Touched>
  readonly record: (
    transaction: Transaction,
    entry: {
      readonly actor: string
      readonly action: string
      readonly resource: string
      /** Absent: of the house. */
      readonly project?: string
      readonly requestId?: string
      readonly reason?: string
    },
  ) => Promise<void>
}

const LOOK_MS = 30_000
/** What has no name any more is looked for once; whatever is found makes for another pass. */
const LEAST_PASSES = 2

const present = (row: ErasureRow, held: Date | null): Erasure => ({
  object: 'erasure',
  id: row.erasure_id,
  project: row.project_id,
  state: row.next_pass_at === null ? 'done' : held === null ? 'settling' : 'held',
  held_until: held?.toISOString() ?? null,
  pseudonym: row.pseudonym,
  passes: row.passes,
  erased: { ...row.touched },
  requested_at: row.requested_at.toISOString(),
  next_pass_at: row.next_pass_at?.toISOString() ?? null,
  done_at: row.done_at?.toISOString() ?? null,
  receipt: row.receipt,
  signature: row.signature?.toString('base64') ?? null,
})

/**
 * Erases people, in two passes: at once, and again after calls under way, journals and other replicas have come to rest. It is done, and
 * its receipt signed, when a pass finds nothing and a scan of every table says so.
 */
export const createErasures = (ports: ErasurePorts) => {
  const { store, signer, map, holds, journal, clock, log, settleMinutes, forget, record } = ports
  const system: Requester = { actor: 'headgate', requestId: '' }

  const pass = async (row: ErasureRow, person: Person, by: Requester): Promise<ErasureRow> => {
    const until = await holds.until(row.project_id, row.subject)
    if (until !== null) return store.wait(row, until)
    if (row.passes === 0)
      await journal.add(
        journalLine(
          {
            ...{ erasure: row.erasure_id, project: row.project_id, subject: row.subject.toString('hex') },
            ...{ pseudonym: row.pseudonym, at: row.requested_at.toISOString() },
          },
          signer,
        ),
      )
    const outside = await forget(person, by)
    // Rows of one pass never meet those of another, one that was broken off included: each has a pseudonym of its own.
    const touched = { ...outside, ...(await store.erase(person, `${row.pseudonym}.${randomBytes(4).toString('hex')}`)) }
    // Every table is searched once it may be the end, not each time.
    const mayEnd = Object.keys(touched).length === 0 && row.passes + 1 >= LEAST_PASSES
    if (!mayEnd || Object.keys(await store.scan(person)).length > 0) return store.goOn(row, touched, settleMinutes())
    const receipt = receiptOf(row, store.digestOf(person), store.sum(row.touched, touched), map, clock.now())
    await store.end(row, touched, receipt, signer.sign(receipt))
    return (await store.find(row.project_id, row.erasure_id)) as ErasureRow
  }

  const shown = async (row: ErasureRow): Promise<Erasure> =>
    present(row, row.next_pass_at === null ? null : await holds.until(row.project_id, row.subject))

  let working: Promise<void> | null = null
  let timer: { cancel(): void } | null = null
  const work = async (): Promise<void> => {
    for (let row = await store.take(); row !== null; row = await store.take())
      await pass(row, await store.personOf(row), system)
  }
  const look = (): void => {
    working ??= work()
      .catch((error: Error) => log.warn({ component: 'privacy', error }, 'An erasure could not go on'))
      .finally(() => (working = null))
  }

  return {
    /** Erases a person now, and later what came late. The same person again is the same erasure while it is under way. */
    erase: async (person: Person, by: Requester): Promise<Erasure> => {
      const pseudonym = `erased-${randomBytes(6).toString('hex')}`
      const id = prefixedId('era', clock.now())
      const row = await store.begin(person, { id, pseudonym, by: by.actor }, (transaction, made) =>
        record(transaction, {
          actor: by.actor,
          action: 'person.erased',
          resource: `erasure/${made}`,
          project: person.project,
          requestId: by.requestId,
          ...(by.reason !== undefined && { reason: by.reason }),
        }),
      )
      if (row.erasure_id === id) return shown(await pass(row, person, by))
      look()
      return shown(row)
    },
    /** @throws AppError `erasure_not_found` */
    find: async (id: string): Promise<Erasure> => {
      const row = await store.find(null, id)
      if (row === null) throw new AppError('erasure_not_found')
      return shown(row)
    },
    list: async (project: string | null, after: string | null, limit: number): Promise<Erasure[]> =>
      Promise.all((await store.list(project, after, limit)).map(shown)),
    /** Goes on with what is due now. */
    look,
    publicKey: signer.publicKey,
    start: (): void => {
      timer = clock.every(LOOK_MS, look)
    },
    stop: async (): Promise<void> => {
      timer?.cancel()
      await working
    },
  }
}
export type Erasures = ReturnType<typeof createErasures>
