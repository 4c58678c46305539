import { AppError } from '../../kernel/errors.ts'
import type { Span } from './read-chunks.ts'

const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/

/**
 * The part that the header `Range` asks for; null for the whole, as where it asks for several or in other units, which a server may
 * pass over (RFC 9110, section 14.2).
 * @throws AppError `range_not_satisfiable` where it begins behind the end.
 */
export const rangeOf = (header: unknown, length: number): Span | null => {
  const [, first = '', last = ''] = (typeof header === 'string' && RANGE.exec(header.trim())) || []
  if (first === '' && last === '') return null
  const unsatisfiable = (): AppError => new AppError('range_not_satisfiable', { params: { length } })
  if (first === '') {
    const bytes = Math.min(Number(last), length)
    if (bytes === 0) throw unsatisfiable()
    return { from: length - bytes, bytes }
  }
  const from = Number(first)
  const to = last === '' ? length - 1 : Math.min(Number(last), length - 1)
  if (last !== '' && Number(last) < from) return null
  if (from >= length) throw unsatisfiable()
  return { from, bytes: to - from + 1 }
}

/** The entity tags of `If-Match` or `If-None-Match` without their marks; null where there is none, `*` for any. */
export const tagsOf = (header: unknown): readonly string[] | '*' | null => {
  if (typeof header !== 'string' || header.trim() === '') return null
  if (header.trim() === '*') return '*'
  return [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map(([, tag = '']) => tag)
}
