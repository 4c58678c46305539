import { AppError } from '../../kernel/errors.ts'

/** What cannot be put in the words of a chat, whatever the provider. */
export const unsupported = (location: string, fix: string): AppError =>
  new AppError('unsupported_parameter', {
    detail: `${location} is not supported.`,
    details: [{ location, message: 'is not supported', fix }],
  })
