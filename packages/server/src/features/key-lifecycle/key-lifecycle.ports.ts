import type { KeyKind, KeyStanding } from '@headgate/contract/key-lifecycle.ts'

/** A key as its keeper knows it; times are milliseconds since the epoch. */
export interface KeyRecord {
  /** Unique within its kind, of printable ASCII; a page goes on after it. */
  readonly id: string
  readonly label: string
  /** A project, an operator, or `house`. */
  readonly owner: string
  /** `active` turns into `expired` here once `expiresAt` is over. */
  readonly state: KeyStanding
  readonly createdAt: number | null
  /** When the secret that is in use was made, where a key keeps its id; absent: `createdAt`. */
  readonly since?: number | null
  readonly lastUsedAt: number | null
  readonly expiresAt: number | null
  readonly uses?: number | null
  readonly note?: string | null
  /** False where ends come and go by design, and nobody is to be told. */
  readonly warns?: boolean
}

/** Whoever keeps the keys of one kind. */
export interface KeySource {
  readonly kind: KeyKind
  /** None of them can be due, so that a watch need not look at them. */
  readonly isCalm?: boolean
  /** Batches in one order that stays, after the key with this id; every batch holds one at least. @throws AppError `database_unavailable` */
  readonly list: (after: string | null) => AsyncIterable<readonly KeyRecord[]>
}

/** When keys are to be replaced. */
export interface RotationSchedule {
  /** Days after which one of a kind should be replaced; 0 or absent: never by a schedule. */
  readonly days: Readonly<Partial<Record<KeyKind, number>>>
  readonly warnDays: number
}
