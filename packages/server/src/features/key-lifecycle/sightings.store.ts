import { createHmac } from 'node:crypto'
import type { Database } from '../../kernel/db.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'

/** A secret of the configuration, or of a provider, that does not say how old it is. */
export interface SeenSecret {
  readonly kind: 'root_key' | 'admin_key' | 'provider_key' | 'configured_secret'
  /** What it is for: a provider’s name, an option. */
  readonly label: string
  readonly secret: string
}

/** When a secret was seen first; times are milliseconds since the epoch. */
export interface Sighting {
  /** Tells it from another secret of the same label, and tells nothing of it. */
  readonly fingerprint: string
  readonly firstSeenAt: number
  readonly lastUsedAt: number | null
}

const FINGERPRINT_DIGITS = 12
/** A secret that was not seen for so long is forgotten. */
const KEEP_DAYS = 400

/** Remembers when a secret was seen first, by a keyed digest of it. `isLooking`: what is not known yet stays so. */
export const createSightings = (database: Database, pepper: Buffer, now: () => number, isLooking = false) => {
  const fingerprintOf = ({ kind, label, secret }: SeenSecret): string =>
    createHmac('sha256', pepper)
      .update(`headgate/key-sighting/1\n${kind}\n${label}\n`)
      .update(secret)
      .digest('hex')
      .slice(0, FINGERPRINT_DIGITS)

  return {
    fingerprintOf,
    /** Notes what is there now, and tells since when it is, in the order asked. @throws AppError `database_unavailable` */
    note: async (seen: readonly SeenSecret[]): Promise<Sighting[]> => {
      const named = seen.map((one) => ({ ...one, fingerprint: fingerprintOf(one) }))
      const at = new Date(now())
      const rows = await database
        .transaction('system', async ({ query, execute }) => {
          const lists = [
            named.map(({ kind }) => kind),
            named.map(({ label }) => label),
            named.map(({ fingerprint }) => fingerprint),
          ]
          if (!isLooking) {
            await execute(
              `INSERT INTO headgate.key_sightings (kind, label, fingerprint, first_seen_at, last_seen_at)
               SELECT DISTINCT kind, label, fingerprint, $4::timestamptz, $4::timestamptz
                 FROM unnest($1::text[], $2::text[], $3::text[]) AS seen (kind, label, fingerprint)
                 ORDER BY kind, label, fingerprint
               ON CONFLICT (kind, label, fingerprint) DO UPDATE SET last_seen_at = excluded.last_seen_at
                 WHERE key_sightings.last_seen_at < excluded.last_seen_at - interval '1 day'`,
              [...lists, at],
            )
            await execute(
              `DELETE FROM headgate.key_sightings WHERE last_seen_at < $1::timestamptz - make_interval(days => $2)`,
              [at, KEEP_DAYS],
            )
          }
          return (
            await query<{ name: string; first_seen_at: Date; last_used_at: Date | null }>(
              `SELECT kind || chr(10) || label || chr(10) || fingerprint AS name, first_seen_at, last_used_at
                 FROM headgate.key_sightings WHERE kind = ANY($1) AND label = ANY($2)`,
              lists.slice(0, 2),
            )
          ).rows
        })
        .catch((cause: unknown) => {
          throw isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
        })
      const found = new Map(rows.map((row) => [row.name, row]))
      return named.map(({ kind, label, fingerprint }) => {
        const row = found.get(`${kind}\n${label}\n${fingerprint}`)
        return {
          fingerprint,
          firstSeenAt: row?.first_seen_at.getTime() ?? at.getTime(),
          lastUsedAt: row?.last_used_at?.getTime() ?? null,
        }
      })
    },
    /** Notes the hour in which secrets were used; those that were never noted stay unknown. */
    used: async (seen: readonly SeenSecret[], hour: number): Promise<void> => {
      if (seen.length === 0) return
      await database.transaction('system', ({ execute }) =>
        execute(
          `UPDATE headgate.key_sightings s SET last_used_at = $4::timestamptz
             FROM unnest($1::text[], $2::text[], $3::text[]) AS used (kind, label, fingerprint)
            WHERE s.kind = used.kind AND s.label = used.label AND s.fingerprint = used.fingerprint
              AND (s.last_used_at IS NULL OR s.last_used_at < $4::timestamptz)`,
          [seen.map(({ kind }) => kind), seen.map(({ label }) => label), seen.map(fingerprintOf), new Date(hour)],
        ),
      )
    },
  }
}
export type Sightings = ReturnType<typeof createSightings>
