import { AppError } from './errors.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Entity tags that count states (RFC 9110, 8.8.3 and 13.1): each kind of thing has a letter, so that none is taken for another. */
export const createEntityTags = (letter: string) => {
  const tag = new RegExp(`^(?:W/)?"${letter}(\\d{1,15})"$`)
  /** The `ETag` of a state. */
  const etagOf = (state: number): string => `"${letter}${state}"`
  return {
    etagOf,

    /**
     * The state that `If-Match` asks for; null where any will do. A tag that is none of ours matches nothing.
     * @throws AppError `invalid_parameter` for more than one tag.
     */
    readIfMatch: (headers: Headers): number | null => {
      const given = String(headers['if-match'] ?? '*').trim()
      if (given === '*' || given === '') return null
      if (given.includes(','))
        throw new AppError('invalid_parameter', {
          details: [
            { location: 'if-match', message: 'names several states', fix: 'Send the one ETag that you have read.' },
          ],
        })
      return Number(tag.exec(given)?.[1] ?? -1)
    },

    /** Whether `If-None-Match` names this state. */
    isKnown: (headers: Headers, state: number): boolean =>
      String(headers['if-none-match'] ?? '')
        .split(',')
        .some((one) => one.trim().replace(/^W\//, '') === etagOf(state)),
  }
}
