import { defineErrors } from './entry.ts'

const common = {
  type: 'invalid_request_error',
  severity: 'warning',
  retryable: 'no',
  user: 'This cannot be done as it was asked.',
  recovery: 'fix_request',
  since: '0.1.0',
} as const

/** HG-54xx: `headgate anonymise` and `headgate move`, which are commands and no routes. */
export const anonymiseErrors = defineErrors({
  anonymise_policy_invalid: {
    ...common,
    id: 'HG-5401',
    http: 422,
    title: 'The policy cannot be followed',
    developer:
      'The policy of an anonymisation has faults, each told with its line, or does not say what becomes of a table or column of the input.',
    causes: ['A name is misspelt, or a value does not fit.', 'The input has columns that the policy does not name.'],
    resolutions: [
      'Mend each place that the message names.',
      'Name every column, or say `others: keep` or `others: redact`.',
    ],
  },
  anonymise_input_invalid: {
    ...common,
    id: 'HG-5402',
    http: 422,
    title: 'The input cannot be read',
    developer:
      'A line of what shall be anonymised is not what its format says, or holds a value that its operator cannot work with. Nothing was written.',
    causes: [
      'The file was cut, or is of another format.',
      'A hierarchy does not know a value; a date is none; a text was not encrypted by this key.',
      'A dump inserts rows by INSERT, which are not read.',
    ],
    resolutions: ['Look at the line that the message names.', 'Name the format: `--format csv`, `jsonl`, `sql`.'],
  },
  anonymise_out_of_reach: {
    ...common,
    id: 'HG-5403',
    http: 422,
    title: 'No levels fulfil what is asked',
    developer:
      'No combination of levels of the hierarchies makes the groups that the check asks for, within the rows that may be taken out. Nothing was written.',
    causes: ['There are fewer rows than `k`, or a column has no level at which rows become alike.'],
    resolutions: ['Give hierarchies a higher level, allow more `suppression`, or ask for a smaller `k`.'],
  },
  anonymise_too_large: {
    ...common,
    id: 'HG-5404',
    http: 413,
    title: 'Too much to search',
    developer: 'More combinations of levels, or more rows that differ in their quasi-identifiers, than are searched.',
    causes: ['Many columns are generalised at once, each with many levels.'],
    resolutions: ['Bound the levels by `lowest` and `highest`.', 'Name fewer quasi-identifiers.'],
  },
})
