import { AppError } from '../../../kernel/errors.ts'
import { isObject, type Members } from '../wire-members.ts'
import { callItem, messageItem, reasoningItem, responsesUsage, standingOf, textPart } from './answer.ts'
import type { OutputItem, ResponseFault, ResponseObject, ResponseState, ResponseStatus } from './response.ts'

/** An item that has begun and not ended. */
type Open =
  | { readonly kind: 'text' | 'refusal' | 'thought'; readonly id: string; words: string }
  | {
      readonly kind: 'call'
      readonly id: string
      readonly call: unknown
      readonly callId: unknown
      readonly name: unknown
      words: string
    }

const malformed = (detail: string): AppError => new AppError('upstream_malformed', { detail })

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

export interface ResponseEventsOptions {
  readonly describe: (state: ResponseState) => ResponseObject
  /** A new id of an item. */
  readonly nameItem: (prefix: string) => string
  /** Seconds since the epoch. */
  readonly now: () => number
}

/**
 * Translates the chunks of one chat completion stream, in their order, into the events of a response, numbered from 0; and
 * knows at any moment what the response has come to. Of several choices only the first is told.
 */
export class ResponseEvents {
  readonly #options: ResponseEventsOptions
  readonly #output: OutputItem[] = []
  #number = 0
  #model = ''
  #open: Open | null = null
  #finish: unknown = null
  #usage: unknown = null
  #begun = false
  #over = false

  constructor(options: ResponseEventsOptions) {
    this.#options = options
  }

  /**
   * The events that the data of one event comes to.
   * @throws AppError `upstream_malformed` for what does not keep to the protocol.
   */
  take(data: string): string {
    if (this.#over) return ''
    if (data === '[DONE]') return this.#complete()
    const chunk: unknown = JSON.parse(data)
    if (!isObject(chunk)) throw malformed('An event of the stream is no JSON object.')
    if (this.#model === '') this.#model = textOf(chunk['model'])
    const begin = this.#begin()
    if (isObject(chunk['usage'])) this.#usage = chunk['usage']
    const choices: unknown = chunk['choices']
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
    if (!isObject(choice) || (choice['index'] ?? 0) !== 0) return begin
    this.#finish = choice['finish_reason'] ?? this.#finish
    return isObject(choice['delta']) ? begin + this.#say(choice['delta']) : begin
  }

  /** The last event of a response that is not whole, with what it has come to. */
  fail(fault: ResponseFault): string {
    if (this.#over) return ''
    const begin = this.#begin()
    this.#over = true
    return begin + this.#write('response.failed', { response: this.snapshot('failed', fault) })
  }

  /** The response as it stands; what has begun is told as far as it came. */
  snapshot(status: ResponseStatus, fault?: ResponseFault): ResponseObject {
    const open = this.#open === null ? [] : [this.#item(this.#open, 'incomplete')]
    const usage = responsesUsage(this.#usage)
    return this.#options.describe({ status, model: this.#model, output: [...this.#output, ...open], usage, fault })
  }

  #write(type: string, members: Members): string {
    return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#number++, ...members })}\n\n`
  }

  #begin(): string {
    if (this.#begun) return ''
    this.#begun = true
    const response = this.snapshot('in_progress')
    return this.#write('response.created', { response }) + this.#write('response.in_progress', { response })
  }

  #say(delta: Members): string {
    let events = ''
    const thought = textOf(delta['reasoning_content']) || textOf(delta['reasoning'])
    if (thought !== '') events += this.#continue('thought', thought)
    if (Array.isArray(delta['thinking_blocks'])) this.#keepThinking(delta['thinking_blocks'])
    const text = textOf(delta['content'])
    if (text !== '') events += this.#continue('text', text)
    const refusal = textOf(delta['refusal'])
    if (refusal !== '') events += this.#continue('refusal', refusal)
    const calls: unknown = delta['tool_calls']
    if (Array.isArray(calls)) for (const call of calls) if (isObject(call)) events += this.#call(call)
    return events
  }

  /** They come in the end; the thought that they sign was told before. */
  #keepThinking(blocks: readonly unknown[]): void {
    const at = this.#output.findIndex(({ type }) => type === 'reasoning')
    const told = at === -1 ? '' : textOf((this.#output[at]?.['content'] as Members[] | undefined)?.[0]?.['text'])
    const id = at === -1 ? this.#options.nameItem('rs') : textOf(this.#output[at]?.['id'])
    const item = reasoningItem(id, told, blocks)
    if (at === -1) this.#output.unshift(item)
    else this.#output[at] = item
  }

  #item(open: Open, status: string): OutputItem {
    if (open.kind === 'call') return callItem(open.id, status, open.callId, open.name, open.words)
    if (open.kind === 'thought') return reasoningItem(open.id, open.words, null)
    const part = open.kind === 'text' ? textPart(open.words) : { type: 'refusal', refusal: open.words }
    return messageItem(open.id, status, [part])
  }

  /** Where an item stands in the output, for each of its events. */
  #where(open: Open): Members {
    const where = { item_id: open.id, output_index: this.#output.length }
    return open.kind === 'call' ? where : { ...where, content_index: 0 }
  }

  #start(open: Open, item: OutputItem): string {
    const events = this.#stop()
    const added = this.#write('response.output_item.added', { output_index: this.#output.length, item })
    this.#open = open
    return events + added
  }

  #continue(kind: 'text' | 'refusal' | 'thought', words: string): string {
    let events = ''
    let open = this.#open
    if (open?.kind !== kind) {
      const id = this.#options.nameItem(kind === 'thought' ? 'rs' : 'msg')
      open = { kind, id, words: '' }
      const empty =
        kind === 'thought'
          ? { ...reasoningItem(id, '', null), status: 'in_progress' }
          : messageItem(id, 'in_progress', [])
      events = this.#start(open, empty)
      if (kind !== 'thought') {
        const part = kind === 'text' ? textPart('') : { type: 'refusal', refusal: '' }
        events += this.#write('response.content_part.added', { ...this.#where(open), part })
      }
    }
    open.words += words
    const type = { text: 'output_text', refusal: 'refusal', thought: 'reasoning_text' }[kind]
    const more = kind === 'text' ? { logprobs: [] } : {}
    return events + this.#write(`response.${type}.delta`, { ...this.#where(open), delta: words, ...more })
  }

  #call(call: Members): string {
    const described = isObject(call['function']) ? call['function'] : {}
    let events = ''
    let open = this.#open
    if (open?.kind !== 'call' || open.call !== call['index']) {
      if (typeof call['id'] !== 'string')
        throw malformed('The parts of two tool calls are mixed, which no response can say.')
      const id = this.#options.nameItem('fc')
      open = { kind: 'call', id, call: call['index'], callId: call['id'], name: described['name'], words: '' }
      events = this.#start(open, callItem(id, 'in_progress', call['id'], described['name'], ''))
    }
    const words = textOf(described['arguments'])
    if (words === '') return events
    open.words += words
    return events + this.#write('response.function_call_arguments.delta', { ...this.#where(open), delta: words })
  }

  #stop(): string {
    const open = this.#open
    if (open === null) return ''
    const where = this.#where(open)
    const item = this.#item(open, 'completed')
    let events = ''
    if (open.kind === 'call')
      events = this.#write('response.function_call_arguments.done', {
        ...where,
        name: open.name,
        arguments: open.words,
      })
    else if (open.kind === 'thought')
      events = this.#write('response.reasoning_text.done', { ...where, text: open.words })
    else {
      const [part] = item['content'] as OutputItem[]
      const done =
        open.kind === 'text'
          ? this.#write('response.output_text.done', { ...where, text: open.words, logprobs: [] })
          : this.#write('response.refusal.done', { ...where, refusal: open.words })
      events = done + this.#write('response.content_part.done', { ...where, part })
    }
    events += this.#write('response.output_item.done', { output_index: this.#output.length, item })
    this.#output.push(item)
    this.#open = null
    return events
  }

  #complete(): string {
    const events = this.#begin() + this.#stop()
    this.#over = true
    const standing = standingOf(this.#finish)
    const response = this.#options.describe({
      ...standing,
      model: this.#model,
      output: this.#output,
      usage: responsesUsage(this.#usage),
      ...(standing.status === 'completed' && { completedAt: this.#options.now() }),
    })
    this.#whole = response
    return events + this.#write(`response.${standing.status}`, { response })
  }

  #whole: ResponseObject | null = null

  /** The response where it has come to its end; else null. */
  whole(): ResponseObject | null {
    return this.#whole
  }
}
