import type { KeptAnswer } from '../../domain/kept-answer.ts'
import type { Database, Read, Scope, Transaction } from '../../kernel/db.ts'
import type { SealedPlace } from '../../kernel/seal.ts'

/** What seals columns, and opens them. */
export interface SealPort {
  readonly seal: (transaction: Transaction, place: SealedPlace, text: string) => Promise<Buffer>
  readonly open: (read: Read, place: SealedPlace, sealed: Buffer) => Promise<string>
}

/** A row's place: null is the operators' own. */
export interface Name {
  readonly project: string | null
  readonly lookup: Buffer
}

/** What stands under a name. */
export type Found =
  | { readonly kind: 'claimed' }
  | { readonly kind: 'running'; readonly fingerprint: Buffer }
  | { readonly kind: 'ended'; readonly fingerprint: Buffer; readonly answer: KeptAnswer | null }

/** A run holds its name this long beyond the last sign of its replica. */
const HELD_SECONDS = 15
const OPERATORS = '*'
const FORGOTTEN_AT_ONCE = 1_000

const scopeOf = ({ project }: Name): Scope => (project === null ? 'system' : { project })
const idOf = ({ project }: Name): string => project ?? OPERATORS
const placeOf = (name: Name): SealedPlace => ({
  ...(name.project !== null && { project: name.project }),
  purpose: 'idempotency',
  table: 'idempotency_keys',
  row: name.lookup.toString('hex'),
  column: 'sealed',
})

const pack = ({ status, contentType, headers, body }: KeptAnswer): string =>
  JSON.stringify({ status, contentType, headers, body: body.toString('base64') })
const unpack = (text: string): KeptAnswer => {
  const { body, ...rest } = JSON.parse(text) as Omit<KeptAnswer, 'body'> & { body: string }
  return { ...rest, body: Buffer.from(body, 'base64') }
}

/** The names and the answers kept under them. Times are the database's, the same for all replicas. */
export const createIdempotencyStore = (database: Database, { seal, open }: SealPort) => ({
  /** Takes a name that is free, has expired, or whose run was lost with its replica; else tells what stands there. */
  claim: (
    name: Name,
    row: {
      readonly fingerprint: Buffer
      readonly subject: string | null
      readonly turn: string
      readonly keepHours: number
    },
  ): Promise<Found | null> =>
    database.transaction(scopeOf(name), async (transaction) => {
      const taken = await transaction.execute(
        `INSERT INTO headgate.idempotency_keys AS known
           (project_id, lookup, fingerprint, subject, turn, held_until, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), now(), now() + make_interval(hours => $7))
         ON CONFLICT (project_id, lookup) DO UPDATE
           SET fingerprint = excluded.fingerprint, subject = excluded.subject, turn = excluded.turn, sealed = NULL,
               held_until = excluded.held_until, created_at = excluded.created_at, expires_at = excluded.expires_at
           WHERE known.expires_at <= now() AND (known.held_until IS NULL OR known.held_until < now())
              OR known.held_until < now() AND known.fingerprint = excluded.fingerprint`,
        [idOf(name), name.lookup, row.fingerprint, row.subject, row.turn, HELD_SECONDS, row.keepHours],
      )
      if (taken > 0) return { kind: 'claimed' }
      const { rows } = await transaction.query<{ fingerprint: Buffer; sealed: Buffer | null; ended: boolean }>(
        `SELECT fingerprint, sealed, held_until IS NULL AS ended FROM headgate.idempotency_keys
          WHERE project_id = $1 AND lookup = $2`,
        [idOf(name), name.lookup],
      )
      const found = rows[0]
      if (found === undefined) return null
      const { fingerprint, sealed, ended } = found
      if (!ended) return { kind: 'running', fingerprint }
      const answer = sealed === null ? null : unpack(await open(transaction, placeOf(name), sealed))
      return { kind: 'ended', fingerprint, answer }
    }),

  /** Ends a run with its answer; null where it cannot be given again. */
  keep: (name: Name, turn: string, answer: KeptAnswer | null): Promise<void> =>
    database.transaction(scopeOf(name), async (transaction) => {
      const sealed = answer === null ? null : await seal(transaction, placeOf(name), pack(answer))
      await transaction.execute(
        `UPDATE headgate.idempotency_keys SET held_until = NULL, sealed = $4
          WHERE project_id = $1 AND lookup = $2 AND turn = $3`,
        [idOf(name), name.lookup, turn, sealed],
      )
    }),

  /** Ends a run without a trace. */
  release: (name: Name, turn: string): Promise<void> =>
    database.transaction(scopeOf(name), async ({ execute }) => {
      await execute('DELETE FROM headgate.idempotency_keys WHERE project_id = $1 AND lookup = $2 AND turn = $3', [
        idOf(name),
        name.lookup,
        turn,
      ])
    }),

  /** A sign that these runs go on. */
  hold: (turns: readonly string[]): Promise<void> =>
    database.transaction('system', async ({ execute }) => {
      await execute(
        `UPDATE headgate.idempotency_keys SET held_until = now() + make_interval(secs => $2)
          WHERE turn = ANY ($1) AND held_until IS NOT NULL`,
        [turns, HELD_SECONDS],
      )
    }),

  /** Deletes some of what has expired; tells whether there may be more. */
  forget: (): Promise<boolean> =>
    database.transaction('system', async ({ execute }) => {
      const gone = await execute(
        `DELETE FROM headgate.idempotency_keys WHERE (project_id, lookup) IN (
           SELECT project_id, lookup FROM headgate.idempotency_keys
            WHERE expires_at <= now() AND (held_until IS NULL OR held_until < now())
              AND NOT headgate.is_held(project_id, subject)
            ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
        [FORGOTTEN_AT_ONCE],
      )
      return gone === FORGOTTEN_AT_ONCE
    }),
})
