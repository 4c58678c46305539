/** How one route is asked: its own paths, those that name something of project A, and one that names nothing at all. */
export interface Sample {
  readonly path: string
  readonly body?: object
  readonly foreign?: () => readonly string[]
  readonly missing?: string
  /** Status of a public route that answers nobody here; 200 unless told. */
  readonly told?: number
}
/** Of what is there. */
export const plain = (path: string, body?: object): Sample => ({ path, ...(body && { body }) })
/** Of what there is none of. */
export const missed = (path: string, body?: object): Sample => ({
  ...plain(path, body),
  missing: path,
  foreign: () => [],
})
