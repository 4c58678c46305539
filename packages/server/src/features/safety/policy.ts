import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import { type InferenceRequest, type MemberSpan, replaceSpan } from '../../domain/inference.ts'
import { AppError } from '../../kernel/errors.ts'
import { memberWithName } from '../../kernel/json.ts'
import { wholePart } from '../../kernel/multipart.ts'

/** How much is checked: nothing; what can be, in doubt for the caller; all, in doubt against. From the loosest to the strictest. */
export const policies = ['off', 'main', 'demo'] as const
export type Policy = (typeof policies)[number]

const wished: Readonly<Record<string, Policy>> = { false: 'off', true: 'main', strict: 'demo' }

/** @throws AppError `invalid_parameter` */
const readWish = (text: string, location: string): Policy => {
  const wish = Object.hasOwn(wished, text) ? wished[text] : undefined
  if (wish !== undefined) return wish
  const fix = `Send ${location}: true, false or strict.`
  throw new AppError('invalid_parameter', {
    details: [{ location, message: `${location} must be true, false or strict`, fix }],
  })
}

/** The member `safe` as it was written, without quotes; null where it stands not, or as null. */
const memberOf = ({ body, members }: InferenceRequest): string | null => {
  const span = members.get('safe')
  if (span === undefined) return null
  const text = body.toString('latin1', span.start, Math.min(span.end, span.start + 20)).replace(/^"(.*)"$/, '$1')
  return text === 'null' ? null : text
}

const stricter = (one: Policy, other: Policy): Policy => (policies.indexOf(one) > policies.indexOf(other) ? one : other)

/**
 * The policy of a call: its project's, or the stricter one that it asks for by `x-headgate-safe` or the member `safe`. Nobody can ask for less.
 * @throws AppError `invalid_parameter`
 */
export const policyOf = (own: Policy, exchange: Exchange, request: InferenceRequest): Policy => {
  let policy = own
  if (exchange.safe !== undefined) policy = stricter(policy, readWish(exchange.safe, header.safe))
  const member = memberOf(request)
  return member === null ? policy : stricter(policy, readWish(member, 'safe'))
}

/**
 * The request without `safe`, which most providers refuse. Those that draw know one of their own, true or false: it stays there, `strict` as
 * `true`. Of a form the field is taken out.
 */
export const withoutWish = (request: InferenceRequest): InferenceRequest => {
  const { body, members, operation } = request
  const span = members.get('safe')
  if (span === undefined) return request
  const cut = ({ start, end }: MemberSpan, text: string): InferenceRequest => {
    const growth = Buffer.byteLength(text) - (end - start)
    const shifted = [...members]
      .filter(([name]) => text !== '' || name !== 'safe')
      .map(([name, { start: from, end: to }]) => {
        const moved = (at: number): number => (at >= end ? at + growth : at)
        return [name, { start: moved(from), end: moved(to) }] as const
      })
    return { ...request, body: replaceSpan(body, start, end, text), members: new Map(shifted) }
  }
  const contentType = request.media?.contentType ?? null
  if (contentType !== null) return cut(wholePart(body, contentType, span), '')
  if (operation === 'images') return memberOf(request) === 'strict' ? cut(span, 'true') : request
  return cut(memberWithName(body, span), '')
}
