/** A cell that begins like a formula is run as one by spreadsheets (OWASP, CSV injection): an apostrophe makes it text. */
const isFormula = /^[=+\-@\t\r]/
const isNumber = /^-?\d+(\.\d+)?$/

const cellOf = (value: string | number | boolean | null): string => {
  const text = value === null ? '' : String(value)
  const safe = isFormula.test(text) && !isNumber.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Rows as a CSV text (RFC 4180), the names of the columns first; null is an empty cell. */
export const csvText = (
  columns: readonly string[],
  rows: readonly (readonly (string | number | boolean | null)[])[],
): string => [columns, ...rows].map((row) => `${row.map(cellOf).join(',')}\r\n`).join('')
