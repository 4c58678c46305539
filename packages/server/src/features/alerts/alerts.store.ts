import type { Severity } from '../../domain/objective.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Finding } from './evaluate.ts'

/** An alert that fires or fired. Times are milliseconds since the epoch. */
export interface StoredAlert {
  readonly id: string
  readonly name: string
  readonly severity: Severity
  readonly summary: string
  readonly value: number
  readonly threshold: number
  readonly startedAt: number
  readonly endedAt: number | null
}

/** Something that a receiver is still to be told. */
export interface Due {
  readonly alert: StoredAlert
  readonly state: 'firing' | 'resolved'
  readonly receiver: string
  readonly attempts: number
}

/** How a delivery stands. */
export interface StoredDelivery {
  readonly alert_id: string
  readonly state: 'firing' | 'resolved'
  readonly receiver: string
  readonly attempts: number
  readonly delivered: boolean
  readonly fault: string | null
}

interface AlertRow {
  readonly id: string
  readonly name: string
  readonly severity: Severity
  readonly summary: string
  readonly value: number
  readonly threshold: number
  readonly started_ms: number
  readonly ended_ms: number | null
}

const COLUMNS = `id, name, severity, summary, value, threshold,
  floor(extract(epoch FROM started_at) * 1000)::double precision AS started_ms,
  floor(extract(epoch FROM ended_at) * 1000)::double precision AS ended_ms`

const fromRow = ({ started_ms, ended_ms, ...rest }: AlertRow): StoredAlert => ({
  id: rest.id,
  name: rest.name,
  severity: rest.severity,
  summary: rest.summary,
  value: rest.value,
  threshold: rest.threshold,
  startedAt: started_ms,
  endedAt: ended_ms,
})

const unavailable = (cause: unknown): never => {
  throw isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
}

/** Statements on what fired. Reads throw AppError `database_unavailable` when PostgreSQL does not answer. */
export const createAlertStore = (database: Database) => ({
  /** Whether it is this replica's turn: at most one has it in `everyMs`. */
  takeTurn: async (everyMs: number): Promise<boolean> => {
    const moved = await database.transaction('system', ({ execute }) =>
      execute(
        `UPDATE headgate.alert_turn SET evaluated_at = now() WHERE evaluated_at <= now() - make_interval(secs => $1)`,
        [everyMs / 1_000],
      ),
    )
    return moved === 1
  },

  /** Opens and closes alerts as found, and notes with each who is to be told; gives those that changed. */
  record: (
    findings: readonly Finding[],
    newId: () => string,
    receiversOf: (severity: Severity) => readonly string[],
  ): Promise<readonly StoredAlert[]> =>
    database.transaction('system', async (transaction) => {
      const changed: StoredAlert[] = []
      const firing = findings.filter((finding) => finding.firing)
      for (const { name, severity, summary, value, threshold } of firing) {
        const { rows } = await transaction.query<AlertRow>(
          `INSERT INTO headgate.alerts (id, name, severity, summary, value, threshold, started_at)
             VALUES ($1, $2, $3, $4, $5, $6, now())
             ON CONFLICT (name, severity) WHERE ended_at IS NULL DO NOTHING RETURNING ${COLUMNS}`,
          [newId(), name, severity, summary, value, threshold],
        )
        changed.push(...rows.map(fromRow))
      }
      // What is no longer watched has ended, too.
      const { rows: ended } = await transaction.query<AlertRow>(
        `UPDATE headgate.alerts SET ended_at = now()
          WHERE ended_at IS NULL AND (name, severity) NOT IN (SELECT * FROM unnest($1::text[], $2::text[])) RETURNING ${COLUMNS}`,
        [firing.map(({ name }) => name), firing.map(({ severity }) => severity)],
      )
      changed.push(...ended.map(fromRow))
      for (const { id, endedAt, severity } of changed)
        await tell(transaction, id, endedAt === null ? 'firing' : 'resolved', receiversOf(severity))
      return changed
    }),

  /** Notes something that happened, which has no end to be told of. */
  recordEvent: (
    { name, severity, summary, value, threshold }: Omit<Finding, 'firing'>,
    id: string,
    receivers: readonly string[],
  ): Promise<void> =>
    database.transaction('system', async (transaction) => {
      await transaction.execute(
        `INSERT INTO headgate.alerts (id, name, severity, summary, value, threshold, started_at, ended_at)
           VALUES ($1, $2, $3, $4, $5, $6, now(), now())`,
        [id, name, severity, summary, value, threshold],
      )
      await tell(transaction, id, 'firing', receivers)
    }),

  /** Takes deliveries that are due; until `againAt` no other replica does. */
  takeDue: (againMs: number, most: number): Promise<Due[]> =>
    database.transaction('system', async ({ query }) => {
      const { rows } = await query<AlertRow & { state: Due['state']; receiver: string; attempts: number }>(
        `WITH due AS (SELECT alert_id, state, receiver FROM headgate.alert_deliveries WHERE next_at <= now()
              ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED),
            taken AS (UPDATE headgate.alert_deliveries AS delivery
                SET attempts = attempts + 1, next_at = now() + make_interval(secs => $1) FROM due
              WHERE delivery.alert_id = due.alert_id AND delivery.state = due.state AND delivery.receiver = due.receiver
              RETURNING delivery.alert_id, delivery.state, delivery.receiver, delivery.attempts)
         SELECT state, receiver, attempts, ${COLUMNS} FROM taken JOIN headgate.alerts ON alerts.id = taken.alert_id
          ORDER BY started_at, state`,
        [againMs / 1_000, most],
      )
      return rows.map((row) => ({
        alert: fromRow(row),
        state: row.state,
        receiver: row.receiver,
        attempts: row.attempts,
      }))
    }),

  /** Notes how a delivery went; `againMs` null: it is not tried again. */
  delivered: async ({ alert, state, receiver }: Due, fault: string | null, againMs: number | null): Promise<void> => {
    await database.transaction('system', ({ execute }) =>
      execute(
        `UPDATE headgate.alert_deliveries SET fault = $4, delivered_at = CASE WHEN $4::text IS NULL THEN now() END,
            next_at = now() + make_interval(secs => $5) WHERE alert_id = $1 AND state = $2 AND receiver = $3`,
        [alert.id, state, receiver, fault, againMs === null ? null : againMs / 1_000],
      ),
    )
  },

  /** Alerts, the newest first: those that fire, or all. */
  list: (open: boolean, after: { readonly at: number; readonly id: string } | null, limit: number) =>
    database
      .read('system', async ({ query }) => {
        const { rows } = await query<AlertRow>(
          `SELECT ${COLUMNS} FROM headgate.alerts WHERE ($1 = false OR ended_at IS NULL)
              AND ($2::timestamptz IS NULL OR (date_trunc('milliseconds', started_at), id) < ($2, $3))
            ORDER BY date_trunc('milliseconds', started_at) DESC, id DESC LIMIT $4`,
          [open, after && new Date(after.at).toISOString(), after?.id ?? null, limit],
        )
        const { rows: deliveries } = await query<StoredDelivery>(
          `SELECT alert_id, state, receiver, attempts, delivered_at IS NOT NULL AS delivered, fault
             FROM headgate.alert_deliveries WHERE alert_id = ANY($1) ORDER BY state, receiver`,
          [rows.map(({ id }) => id)],
        )
        return { alerts: rows.map(fromRow), deliveries }
      })
      .catch(unavailable),

  /** Forgets what ended before this many days. */
  forget: async (days: number): Promise<void> => {
    await database.transaction('system', ({ execute }) =>
      execute(`DELETE FROM headgate.alerts WHERE ended_at < now() - make_interval(days => $1)`, [days]),
    )
  },
})

const tell = async (
  { execute }: Transaction,
  id: string,
  state: Due['state'],
  receivers: readonly string[],
): Promise<void> => {
  await execute(
    `INSERT INTO headgate.alert_deliveries (alert_id, state, receiver, next_at)
       SELECT $1, $2, receiver, now() FROM unnest($3::text[]) AS receiver`,
    [id, state, receivers],
  )
}

export type AlertStore = ReturnType<typeof createAlertStore>
