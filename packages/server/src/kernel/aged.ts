/** How long rows are kept after they were last changed, or said again. */
export interface RetentionPeriods {
  /** 0: for ever. */
  readonly days: number
  /** Of projects that have a time of their own. */
  readonly projectDays: Readonly<Record<string, number>>
}

/** A row that has ended because it was old enough. */
export interface Ended {
  readonly project: string
  /** When its age began. */
  readonly at: Date
}

/** How far a run goes that ends rows. */
export interface EndingBounds {
  /** Most rows. */
  readonly most: number
  /** Whether the house is about to stop. */
  readonly isOver: () => boolean
  /** Told of each row once it has gone. */
  readonly onEnded: (row: Ended) => void
}

/** Ends rows that are kept long enough and that no legal hold keeps. */
export type EndAged = (periods: RetentionPeriods, bounds: EndingBounds) => Promise<void>

/**
 * Condition on rows that are older than their project keeps them and that no legal hold keeps; its values are `$1` to `$3`, see
 * `agedValues`. The first comparison is what an index on the column serves.
 * @param column when the age of a row begins
 * @param person whose the row is
 */
export const agedCondition = (column: string, person: string): string =>
  `${tooOld(column)} AND NOT headgate.is_held(project_id, ${person})`

/** The same, whether a hold keeps them or not. */
export const tooOld = (column: string): string =>
  `${column} < now() - make_interval(days => $1)
   AND CASE coalesce(($2::jsonb ->> project_id)::int, $3) WHEN 0 THEN false
     ELSE ${column} < now() - make_interval(days => coalesce(($2::jsonb ->> project_id)::int, $3)) END`

/** Values of the condition; null where everything is kept for ever. */
export const agedValues = ({ days, projectDays }: RetentionPeriods): readonly [number, string, number] | null => {
  const bounded = [days, ...Object.values(projectDays)].filter((one) => one > 0)
  return bounded.length === 0 ? null : [Math.min(...bounded), JSON.stringify(projectDays), days]
}
