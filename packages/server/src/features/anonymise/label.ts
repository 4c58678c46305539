import type { TableOutcome } from './anonymise.ts'
import type { Policy } from './policy.ts'

/** Operators whose values somebody with the key, or with a guess, can tie to a person again. */
const reversible = /\b(?:pseudonym|fake|date_shift|encrypt|decrypt|hash)\b/

/**
 * What the table is: `pseudonymised` where values can be tied to people again by a key or by trying, `checked` where nothing but the check stands
 * between them, `changed` where nothing was checked. Nothing is called anonymous: that depends on what else others know (GDPR, recital 26).
 */
const standingOf = ({ columns, proof }: TableOutcome): 'pseudonymised' | 'checked' | 'changed' => {
  if (Object.values(columns).some((operator) => reversible.test(operator))) return 'pseudonymised'
  return proof === undefined ? 'changed' : 'checked'
}

/** Says of an output what was done and what was shown of it, and no more. */
export const createLabel = (input: {
  readonly madeAt: Date
  readonly version: string
  readonly policy: Policy
  readonly format: string
  readonly outputSha256: string
  readonly tables: readonly TableOutcome[]
}) => ({
  object: 'anonymisation_label',
  made_at: input.madeAt.toISOString(),
  made_by: `headgate ${input.version}`,
  policy_sha256: input.policy.sha256,
  format: input.format,
  output_sha256: input.outputSha256,
  tables: input.tables.map((outcome) => ({
    table: outcome.table,
    rows_read: outcome.rowsRead,
    rows_written: outcome.rowsWritten,
    columns: outcome.columns,
    other_columns: outcome.others,
    standing: standingOf(outcome),
    proven:
      outcome.proof === undefined
        ? null
        : {
            quasi_identifiers: outcome.proof.quasi,
            levels: outcome.proof.levels,
            k_asked: outcome.proof.k,
            k_found: outcome.proof.found.smallest,
            groups: outcome.proof.found.groups,
            models: outcome.proof.found.models,
            rows_suppressed: outcome.proof.suppressedRows,
            suppression_allowed: outcome.proof.suppressionAllowed,
            loss_bits: outcome.proof.loss,
          },
  })),
  says: 'What is proven holds for the named quasi-identifiers of this output alone, and for nobody who knows more than them. Texts were searched by patterns, which miss what they do not know.',
})
