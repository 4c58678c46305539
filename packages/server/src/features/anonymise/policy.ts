import type { FakeKind } from './fakes.ts'
import type { Hierarchy } from './hierarchy.ts'
import type { HashType } from './operators.ts'
import type { SensitiveModel } from './privacy-models.ts'
import type { PseudonymKind } from './pseudonyms.ts'

/** What is done with a value that stands by itself, or was found within a text; named as Presidio’s operators. */
export type ValueOperator =
  | { readonly operator: 'keep' }
  | { readonly operator: 'redact' }
  | { readonly operator: 'replace'; readonly newValue?: string }
  | { readonly operator: 'mask'; readonly maskingChar: string; readonly charsToMask: number; readonly fromEnd: boolean }
  | { readonly operator: 'hash'; readonly hashType: HashType; readonly key?: Uint8Array }
  | { readonly operator: 'encrypt' | 'decrypt'; readonly key: Uint8Array }
  | {
      readonly operator: 'pseudonym'
      readonly key: Uint8Array
      readonly kind: PseudonymKind
      readonly space: string
      readonly prefix: string
      readonly keepDomain: boolean
    }
  | {
      readonly operator: 'fake'
      readonly key: Uint8Array
      readonly kind: FakeKind
      readonly space: string
      readonly unique: boolean
    }

/** What is done with a column. */
export type ColumnOperator =
  | ValueOperator
  | {
      readonly operator: 'date_shift'
      readonly key: Uint8Array
      readonly days: number
      /** The column that says whose date it is. */
      readonly person: string
      readonly onInvalid: 'fail' | 'redact'
    }
  | {
      readonly operator: 'generalise'
      readonly hierarchy: Hierarchy
      readonly lowest: number
      readonly highest: number
    }
  | {
      readonly operator: 'text'
      /** The column that has what another program found, as Presidio’s analyzer writes it; else the detectors of Headgate look. */
      readonly findings?: string
      /** By entity; what is not named is done by `otherEntities`. */
      readonly entities: Readonly<Record<string, ValueOperator>>
      readonly otherEntities: ValueOperator
    }

/** What has to hold of what is written. */
export interface Check {
  readonly k: number
  readonly models: readonly SensitiveModel[]
  /** Quasi-identifiers besides the columns that are generalised. */
  readonly quasi: readonly string[]
  /** The share of rows that may be taken out; 0 to 1. */
  readonly suppression: number
}

/** What is done with a table. */
export interface TablePolicy {
  readonly columns: ReadonlyMap<string, ColumnOperator>
  /** What is done with columns that are not named. */
  readonly others: 'refuse' | 'keep' | 'redact'
  readonly check?: Check
}

/** What is done with each table; one that is not named is refused, left out, or goes through. */
export interface Policy {
  readonly tables: ReadonlyMap<string, TablePolicy>
  readonly otherTables: 'refuse' | 'keep' | 'drop'
  /** Of the file as it was read. */
  readonly sha256: string
}
