import type { Database, Read, Transaction } from '../../../kernel/db.ts'
import type { SealedPlace } from '../../../kernel/seal.ts'
import type { Person, SealPort } from '../erasures.store.ts'

export type ConsentDecision = 'granted' | 'withdrawn'
/** Who said so: the person, an operator for them, or the signal that their browser sends (Global Privacy Control). */
export type ConsentSource = 'person' | 'operator' | 'gpc'

/** An entry of the ledger; its proof is open. */
export interface ConsentRow {
  readonly project_id: string
  readonly consent_id: string
  readonly purpose: string
  readonly decision: ConsentDecision
  readonly policy_version: string | null
  readonly source: ConsentSource
  readonly given_at: Date
  readonly noted_at: Date
  readonly proof: string | null
}

/** What is to be noted. */
export interface NewConsent extends Pick<ConsentRow, 'purpose' | 'decision' | 'policy_version' | 'source' | 'proof'> {
  readonly id: string
  readonly notedBy: string
  readonly givenAt: Date
}

type StoredRow = Omit<ConsentRow, 'proof'> & { readonly sealed: Buffer | null }

const columns = 'project_id, consent_id, purpose, decision, policy_version, source, given_at, noted_at, sealed'
/** Of several of the same time the later entry counts. */
const newestFirst = 'given_at DESC, consent_id DESC'
/** Purposes that are told of at once. */
const MOST_PURPOSES = 200

const placeOf = ({ project, user }: Person, id: string): SealedPlace => ({
  ...{ project, subject: user, purpose: 'consents', table: 'consents', row: id, column: 'sealed' },
})

/** The ledger of consents in PostgreSQL: rows are added, and go with their person alone. */
export const createConsentStore = (database: Database, { seal, open }: SealPort) => {
  const opened = async (read: Read, person: Person, { sealed, ...row }: StoredRow): Promise<ConsentRow> => ({
    ...row,
    proof: sealed === null ? null : await open(read, placeOf(person, row.consent_id), sealed),
  })
  const all = async (read: Read, person: Person, rows: readonly StoredRow[]): Promise<ConsentRow[]> => {
    const views: ConsentRow[] = []
    for (const row of rows) views.push(await opened(read, person, row))
    return views
  }

  return {
    add: (
      person: Person,
      entry: NewConsent,
      record: (transaction: Transaction) => Promise<void>,
    ): Promise<ConsentRow> =>
      database.transaction({ project: person.project }, async (transaction) => {
        const { id, purpose, decision, policy_version: version, source, notedBy, givenAt, proof } = entry
        const sealed = proof === null ? null : await seal(transaction, placeOf(person, id), proof)
        const { rows } = await transaction.query<StoredRow>(
          `INSERT INTO headgate.consents
             (project_id, consent_id, subject, purpose, decision, policy_version, source, noted_by, given_at, sealed)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ${columns}`,
          [person.project, id, person.user, purpose, decision, version, source, notedBy, givenAt, sealed],
        )
        await record(transaction)
        return { ...(rows[0] as StoredRow), proof }
      }),
    /** Notes that somebody's browser asks not to be tracked, where it does not stand already. */
    optOut: (person: Person, purpose: string, id: string, at: Date): Promise<number> =>
      database.transaction({ project: person.project }, ({ execute }) =>
        execute(
          `INSERT INTO headgate.consents
             (project_id, consent_id, subject, purpose, decision, source, noted_by, given_at)
           SELECT $1, $2, $3, $4, 'withdrawn', 'gpc', 'sec-gpc', $5
            WHERE 'withdrawn' IS DISTINCT FROM (
              SELECT decision FROM headgate.consents WHERE project_id = $1 AND subject = $3 AND purpose = $4
               ORDER BY ${newestFirst} LIMIT 1)`,
          [person.project, id, person.user, purpose, at],
        ),
      ),
    /** What was said last of a purpose; null: nothing. */
    last: ({ project, user }: Person, purpose: string): Promise<ConsentDecision | null> =>
      database.read({ project }, async ({ query }) => {
        const { rows } = await query<{ decision: ConsentDecision }>(
          `SELECT decision FROM headgate.consents WHERE project_id = $1 AND subject = $2 AND purpose = $3
            ORDER BY ${newestFirst} LIMIT 1`,
          [project, user, purpose],
        )
        return rows[0]?.decision ?? null
      }),
    /** What was said last of each purpose. */
    state: (person: Person): Promise<ConsentRow[]> =>
      database.read({ project: person.project }, async (read) => {
        const { rows } = await read.query<StoredRow>(
          `SELECT DISTINCT ON (purpose) ${columns} FROM headgate.consents WHERE project_id = $1 AND subject = $2
            ORDER BY purpose, ${newestFirst} LIMIT ${MOST_PURPOSES}`,
          [person.project, person.user],
        )
        return all(read, person, rows)
      }),
    /** Every entry of a person, the newest first, from after one of them on. */
    history: (person: Person, after: string | null, limit: number): Promise<ConsentRow[]> =>
      database.read({ project: person.project }, async (read) => {
        const { rows } = await read.query<StoredRow>(
          `SELECT ${columns} FROM headgate.consents
            WHERE project_id = $1 AND subject = $2 AND ($3::text IS NULL OR consent_id < $3)
            ORDER BY consent_id DESC LIMIT $4`,
          [person.project, person.user, after, limit],
        )
        return all(read, person, rows)
      }),
  }
}
export type ConsentStore = ReturnType<typeof createConsentStore>
