import { isUtf8 } from 'node:buffer'
import { header } from '@headgate/contract/headers.ts'
import { AppError } from './errors.ts'

const MOST_CHARACTERS = 256
const beyondAscii = /[\x80-\xff]/
const unprintable = /\p{Cc}/u

/**
 * The end user that `x-headgate-user` names; bytes that are UTF-8 are read as such. Null when none is named.
 * @throws AppError `invalid_parameter`.
 */
export const readUser = (headers: Readonly<Record<string, string | string[] | undefined>>): string | null => {
  const given = headers[header.user]
  if (typeof given !== 'string' || given === '') return null
  const bytes = beyondAscii.test(given) ? Buffer.from(given, 'latin1') : null
  const user = bytes && isUtf8(bytes) ? bytes.toString('utf8') : given
  if (user.length > MOST_CHARACTERS || unprintable.test(user))
    throw new AppError('invalid_parameter', {
      details: [
        {
          location: header.user,
          message: `must be at most ${MOST_CHARACTERS} characters, none of them control characters`,
          fix: 'Send your own stable id of the person.',
        },
      ],
    })
  return user
}
