import type { ErrorDetail } from '@headgate/contract/errors/body.ts'
import { AppError } from '../../kernel/errors.ts'

/** Control characters and lone surrogates: no name has them, and PostgreSQL stores neither NUL nor half a character. */
const unprintable = /[\p{Cc}\p{Cs}]/u

/** A body as parsed. */
export type Members = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The fault of one member, with what to write instead. */
export const invalid = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { detail: `${location} ${message}`, details: [{ location, message, fix }] })

/** The model of a call. @throws AppError `model_missing`. */
export const readModel = (body: Members): string => {
  const { model } = body as { model?: unknown }
  const fix = 'Name a model from GET /v1/models, such as "provider/model".'
  if (model === undefined || model === null || isBlank(model))
    throw new AppError('model_missing', located('model', fix))
  if (typeof model !== 'string') throw invalid('model', 'must be a string', fix)
  if (model.length > 256) throw invalid('model', 'is longer than 256 characters', fix)
  if (unprintable.test(model)) throw invalid('model', 'has a control character or half a character', fix)
  return model
}

/** Options of a fault that is one member’s. */
export const located = (
  location: string,
  fix: string,
  message = 'is missing or empty',
): { details: ErrorDetail[] } => ({
  details: [{ location, message, fix }],
})

/** A switch; absent or null is off. */
export const readBoolean = (body: Members, name: string): boolean => {
  const value = body[name]
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw invalid(name, 'must be true or false', `Write "${name}": true.`)
  return value
}

/** A whole number from 1 to `most`; null when absent. */
export const readCount = (body: Members, name: string, most: number): number | null => {
  const value = body[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most)
    throw invalid(name, `must be a whole number from 1 to ${most}`, `Write a whole number, or leave ${name} out.`)
  return value
}

/** The person that the body names. */
export const readUser = (body: Members): string | null => {
  const value = body['user']
  if (value === undefined || value === null) return null
  if (typeof value !== 'string' || value.length > 256 || unprintable.test(value))
    throw invalid(
      'user',
      'must be a string of at most 256 characters, without control characters',
      'Send your own stable id of the person.',
    )
  return value
}

/** Nothing that a model could work on. */
export const isBlank = (value: unknown): boolean => typeof value === 'string' && value.trim() === ''
