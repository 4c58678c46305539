import type { Row } from './rows.ts'

/** What comes of an input, in its order. */
export type Item =
  /** Goes through as it is. */
  | { readonly kind: 'raw'; readonly text: string }
  /** Rows of this table follow; a heading where rows have cells. */
  | {
      readonly kind: 'table'
      readonly name: string
      readonly heading: readonly string[] | null
      readonly raw: string
      readonly line: number
    }
  | { readonly kind: 'row'; readonly row: Row; readonly line: number }
  | { readonly kind: 'end'; readonly raw: string }
