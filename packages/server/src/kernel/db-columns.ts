import pg from 'pg'

const INT8 = 20
const INT8_ARRAY = 1016
const DATE = 1082
const TIMESTAMP = 1114

// The published types name only the built-in scalar numbers.
const builtInParser = pg.types.getTypeParser as (oid: number, format: 'text' | 'binary') => (text: string) => unknown

const toBigIntArray = (text: string): (bigint | null)[] =>
  (builtInParser(INT8_ARRAY, 'text')(text) as (string | null)[]).map((item) => (item === null ? null : BigInt(item)))

// int8 as bigint (a Number would lose money above 2^53), numeric stays a string; a date without zone stays text,
// because pg would read it in the machine's zone.
const parsers = new Map<number, (text: string) => unknown>([
  [INT8, (text) => BigInt(text)],
  [INT8_ARRAY, toBigIntArray],
  [DATE, (text) => text],
  [TIMESTAMP, (text) => text],
])

/** The pool's readers of column values, apart from pg's global ones. */
export const columnTypes = {
  getTypeParser: (oid: number, format: 'text' | 'binary' = 'text') =>
    (format === 'text' ? parsers.get(oid) : undefined) ?? builtInParser(oid, format),
} as pg.CustomTypesConfig
