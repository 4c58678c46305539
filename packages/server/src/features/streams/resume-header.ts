import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import { AppError } from '../../kernel/errors.ts'
import type { CallerInput } from '../../kernel/route.ts'
import type { StreamHolder } from './streams.ports.ts'

const invalid = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', { details: [{ location, message, fix }] })

/**
 * Whether the stream is to be kept: as the header says; without it for browsers, whose network fails most.
 * @throws AppError `invalid_parameter`
 */
export const asksForResume = ({ headers, exchange }: Pick<CallerInput, 'headers' | 'exchange'>): boolean => {
  const asked = headers[header.resume]
  if (asked === undefined) return exchange.caller.kind !== 'secret'
  if (asked === 'on' || asked === 'off') return asked === 'on'
  throw invalid(header.resume, `${header.resume} must be on or off`, `Send ${header.resume}: on.`)
}

/** Whose stream it is: of the key, and of the person where one is known. */
export const holderOf = ({ caller, user }: Pick<Exchange, 'caller' | 'user'>): StreamHolder => ({
  projectId: caller.projectId,
  keyId: caller.keyId,
  user,
})

const readNumber = (text: string, location: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw invalid(
    location,
    `${location} must be the id of an event: a whole number`,
    'Send the last id that came, as 42.',
  )
}

/**
 * The number of the last event that a reader has; 0 for none.
 * @throws AppError `invalid_parameter` when header and parameter differ, or are no numbers.
 */
export const readCursor = ({ headers, query }: Pick<CallerInput, 'headers' | 'query'>): number => {
  const fromHeader = headers[header.lastEventId]
  const fromQuery = query['starting_after'] as string | undefined
  // Browsers send an empty one where no event had an id.
  const told = fromHeader === undefined || fromHeader === '' ? null : readNumber(String(fromHeader), header.lastEventId)
  const asked = fromQuery === undefined ? null : readNumber(fromQuery, 'starting_after')
  if (told !== null && asked !== null && told !== asked)
    throw invalid('starting_after', 'starting_after and Last-Event-ID differ', 'Send one of them, or the same in both.')
  return told ?? asked ?? 0
}
