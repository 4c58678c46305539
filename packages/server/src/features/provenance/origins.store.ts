import type { Read, Transaction } from '../../kernel/db.ts'
import type { OriginRecord, RecordedKind } from './provenance.ports.ts'

interface OriginRow {
  readonly request_id: string
  readonly position: number
  readonly kind: RecordedKind
  readonly sha256: string
  readonly model: string
  readonly provider: string
  readonly created_at: Date
}

/** Most records that one question finds: the same short text may have been said often. */
const MOST_FOUND = 20
const FORGOTTEN_AT_ONCE = 5_000

/** Writes records of any projects at once; what is there already stays. */
export const insertOrigins = async ({ execute }: Transaction, records: readonly OriginRecord[]): Promise<void> => {
  const column = <Name extends keyof OriginRecord>(name: Name) => records.map((record) => record[name])
  await execute(
    `INSERT INTO headgate.origins (project_id, request_id, position, kind, sha256, model, provider, created_at)
     SELECT project, request, position, kind, decode(digest, 'hex'), model, provider, at
       FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
         AS made (project, request, position, kind, digest, model, provider, at)
     ON CONFLICT DO NOTHING`,
    [
      ...[column('projectId'), column('requestId'), column('position'), column('kind'), column('sha256')],
      ...[column('model'), column('provider'), records.map(({ at }) => new Date(at).toISOString())],
    ],
  )
}

/** What is asked of the record: the request, digests (hexadecimal), and the first and the last id of requests that a mark may name. */
export interface OriginsAsked {
  readonly requestId: string | null
  readonly digests: readonly string[]
  readonly requests: readonly [first: string, last: string] | null
}

/** Records of a project that are any of what is asked; the newest first. */
export const findOrigins = async (
  { query }: Read,
  project: string,
  { requestId, digests, requests }: OriginsAsked,
): Promise<OriginRecord[]> => {
  const { rows } = await query<OriginRow>(
    `SELECT request_id, position, kind, encode(sha256, 'hex') AS sha256, model, provider, created_at
       FROM headgate.origins
      WHERE project_id = $1
        AND (request_id = $2 OR sha256 IN (SELECT decode(digest, 'hex') FROM unnest($3::text[]) AS asked (digest))
          OR request_id BETWEEN $4 AND $5)
      ORDER BY created_at DESC, request_id, position LIMIT ${MOST_FOUND}`,
    [project, requestId, digests, ...(requests ?? [null, null])],
  )
  return rows.map(({ request_id, position, kind, sha256, model, provider, created_at }) => ({
    ...{ projectId: project, requestId: request_id, position, kind, sha256, model, provider },
    at: created_at.getTime(),
  }))
}

/** Deletes some of what is older than so many days; tells whether there may be more. */
export const forgetOrigins = async ({ execute }: Transaction, days: number): Promise<boolean> => {
  const gone = await execute(
    `DELETE FROM headgate.origins WHERE (project_id, request_id, position) IN (
       SELECT project_id, request_id, position FROM headgate.origins
        WHERE created_at < now() - make_interval(days => $1) ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    [days, FORGOTTEN_AT_ONCE],
  )
  return gone === FORGOTTEN_AT_ONCE
}
