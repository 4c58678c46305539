import type { IncomingMessage } from 'node:http'
import { header } from '@headgate/contract/headers.ts'
import { noTags, type Tags } from '../domain/route.ts'
import { AppError } from '../kernel/errors.ts'

const MOST_TAGS = 16
const TAG = /^([a-z0-9][a-z0-9_.-]{0,63})=([\x21-\x2b\x2d-\x7e](?:[\x20-\x2b\x2d-\x7e]{0,126}[\x21-\x2b\x2d-\x7e])?)$/

/**
 * Reads `x-headgate-tags: team=search, experiment=b`.
 * @throws AppError `invalid_parameter` with what is wrong.
 */
export const readTags = (headers: IncomingMessage['headers']): Tags => {
  const text = headers[header.tags]
  if (text === undefined) return noTags
  const tags = new Map<string, string>()
  for (const part of String(text).split(',')) {
    const found = TAG.exec(part.trim())
    if (found === null || tags.size === MOST_TAGS)
      throw new AppError('invalid_parameter', {
        details: [
          {
            location: header.tags,
            message: found === null ? 'is not a list of name=value' : `has more than ${MOST_TAGS} tags`,
            fix: `Write at most ${MOST_TAGS} pairs with commas between them, such as team=search, experiment=b.`,
          },
        ],
      })
    tags.set(found[1] as string, found[2] as string)
  }
  return tags
}
