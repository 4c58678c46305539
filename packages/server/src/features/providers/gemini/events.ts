import { faultOfErrorObject } from '../openai/faults.ts'
import { malformedStream } from '../translation/malformed-stream.ts'
import type { EventTranslator } from '../translation/translated-stream.ts'
import { ProviderFault } from '../provider.ts'
import { isObject, listOf, type Members, membersOf } from '../translation/parts.ts'
import { blockReason, finishReason, openaiUsage, readParts, signed } from './candidates.ts'
import { refusedPrompt } from './faults.ts'

const parse = (data: string): Members => {
  try {
    const value: unknown = JSON.parse(data)
    if (isObject(value)) return value
  } catch {
    // Told below, like any other event that is no object.
  }
  throw malformedStream('An event of the stream is no JSON object.')
}

/** One choice on its way. */
interface Open {
  calls: number
  finish: unknown
}

/**
 * Translates the events of `streamGenerateContent`, each an answer in small, into a chat completion stream. Gemini has no terminal: the
 * answer is whole once every candidate has said why it ended and the connection has ended well.
 */
export class CandidateTranslator implements EventTranslator {
  readonly #model: string
  readonly #created: number
  readonly #secrets: readonly string[]
  readonly #choices = new Map<number, Open>()
  #head = ''
  #id = ''
  #calls = 0
  #usage: unknown = null

  /** @param created seconds since the epoch. */
  constructor(model: string, created: number, secrets: readonly string[]) {
    this.#model = model
    this.#created = created
    this.#secrets = secrets
  }

  take(data: string): string {
    const event = parse(data)
    if (isObject(event['error'])) {
      const fault = faultOfErrorObject(event, 200, this.#secrets)
      throw new ProviderFault(fault.code, { ...fault.options, upstreamStatus: 200, retry: 'never' })
    }
    const blocked = blockReason(event)
    if (blocked !== null && this.#choices.size === 0) throw refusedPrompt(blocked)
    this.#usage = event['usageMetadata'] ?? this.#usage
    if (this.#head === '') this.#begin(event)
    let chunks = ''
    for (const candidate of listOf(event['candidates'])) chunks += this.#continue(membersOf(candidate))
    return chunks
  }

  end(held: string): string {
    const rest = held === '' ? '' : this.take(held)
    const open = [...this.#choices]
    if (open.length === 0 || open.some(([, { finish }]) => typeof finish !== 'string')) return rest
    const finishes = open.map(([index, { finish, calls }]) => this.#chunk(index, {}, finishReason(finish, calls > 0)))
    const usage = openaiUsage(this.#usage)
    const counted = usage === null ? '' : `${this.#head}"choices":[],"usage":${JSON.stringify(usage)}}\n\n`
    return `${rest}${finishes.join('')}${counted}data: [DONE]\n\n`
  }

  #begin({ responseId, modelVersion }: Members): void {
    this.#id = typeof responseId === 'string' ? responseId : `gemini-${this.#created}`
    const model = modelVersion ?? this.#model
    const identity = { id: this.#id, object: 'chat.completion.chunk', created: this.#created, model }
    this.#head = `data: ${JSON.stringify(identity).slice(0, -1)},`
  }

  #continue(candidate: Members): string {
    const index = typeof candidate['index'] === 'number' ? candidate['index'] : 0
    const known = this.#choices.get(index)
    const open = known ?? { calls: 0, finish: null }
    let chunks = ''
    if (known === undefined) {
      this.#choices.set(index, open)
      chunks += this.#chunk(index, { role: 'assistant', content: '', refusal: null })
    }
    const { text, reasoning, calls, signature } = readParts(candidate, () => `call_${this.#id}_${this.#calls++}`)
    if (reasoning !== '') chunks += this.#chunk(index, { reasoning_content: reasoning })
    if (text !== '' || signature !== null) chunks += this.#chunk(index, { content: text, ...signed(signature) })
    for (const call of calls) chunks += this.#chunk(index, { tool_calls: [{ index: open.calls++, ...call }] })
    open.finish = candidate['finishReason'] ?? open.finish
    return chunks
  }

  #chunk(index: number, delta: Members, finish: string | null = null): string {
    const choice = { index, delta, logprobs: null, finish_reason: finish }
    return `${this.#head}"choices":[${JSON.stringify(choice)}]}\n\n`
  }
}
