import { header } from '@headgate/contract/headers.ts'
import type { Exchange } from '../../domain/exchange.ts'
import type { BinarySource } from '../../domain/upstream.ts'
import { addWarning } from '../../domain/warning.ts'
import { AppError } from '../../kernel/errors.ts'
import type { CallAnswer, createFlow } from './flow.ts'
import { sourceOf, wholeOf } from './whole-sound.ts'

/** Something that a model made. */
export interface MadeThing {
  readonly name: string
  /** What is known of how it was made. */
  readonly metadata: Readonly<Record<string, string>>
  readonly bytes: Buffer
}

/** Keeps something for who asked for it; resolves to the id of its asset. @throws AppError of the family of assets. */
export type KeepMade = (exchange: Pick<Exchange, 'caller' | 'user'>, made: MadeThing) => Promise<string>

type Call = ReturnType<typeof createFlow>

interface Pictures {
  readonly data?: readonly { readonly b64_json?: unknown; readonly url?: unknown }[]
}

const inline = /^data:[\w/+.-]{1,128};base64,/
/** The pictures of an answer that are in it; null for one whose provider keeps it. */
const picturesOf = (body: Buffer): (Buffer | null)[] => {
  const { data } = JSON.parse(body.toString('utf8')) as Pictures
  return (data ?? []).map(({ b64_json: base64, url }) => {
    if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
    const start = typeof url === 'string' ? inline.exec(url)?.[0].length : undefined
    return start === undefined ? null : Buffer.from((url as string).slice(start), 'base64')
  })
}

/** The same call, whose pictures and speech are kept as assets where it asks for it. Other calls go through untouched. */
export const createStoredCall = (call: Call, keep: KeepMade): Call => {
  const keepAll = async (exchange: Exchange, kind: 'picture' | 'speech', made: readonly (Buffer | null)[]) => {
    const ids: string[] = []
    const said = { model: exchange.headers[header.model], provider: exchange.headers[header.provider] }
    const metadata = Object.fromEntries(
      Object.entries({ ...said, request_id: exchange.requestId }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value.slice(0, 512)]],
      ),
    )
    for (const [index, bytes] of made.entries()) {
      if (bytes === null) {
        addWarning(exchange.headers, 'not stored: the provider keeps the picture')
        continue
      }
      try {
        ids.push(await keep(exchange, { name: `${kind}-${index + 1}`, metadata, bytes }))
      } catch (fault) {
        // It was made and is owed: it is given all the same.
        if (!(fault instanceof AppError)) throw fault
        addWarning(exchange.headers, `not stored: ${fault.code}`)
      }
    }
    if (ids.length > 0) exchange.headers[header.asset] = ids.join(', ')
  }
  const store = async (exchange: Exchange, made: CallAnswer, signal: Parameters<Call>[2]): Promise<CallAnswer> => {
    if (made.kind === 'json') {
      await keepAll(exchange, 'picture', picturesOf(made.answer.body))
      return made
    }
    if (made.kind === 'events') {
      addWarning(exchange.headers, 'not stored: an event stream')
      return made
    }
    const { contentType } = made.source as BinarySource
    const sound = await wholeOf(made.source as BinarySource, signal)
    await keepAll(exchange, 'speech', [sound])
    return { kind: 'binary', source: sourceOf(contentType, sound) }
  }
  return (exchange, asked, signal, without) => {
    const made = call(exchange, asked, signal, without)
    return exchange.store === undefined ? made : made.then((answer) => store(exchange, answer, signal))
  }
}
