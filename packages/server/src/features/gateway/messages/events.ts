import { AppError } from '../../../kernel/errors.ts'
import { isObject, type Members } from '../wire-members.ts'
import { type Block, messageOf, messagesUsage, stopReason } from './answer.ts'

/** A content block that has begun and not ended. */
type Open =
  | { readonly kind: 'text' | 'thinking'; readonly index: number }
  | { readonly kind: 'tool'; readonly index: number; readonly call: unknown }

const malformed = (detail: string): AppError => new AppError('upstream_malformed', { detail })

const write = (event: Block): string => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`

const saidIn = (delta: Members, ...names: readonly string[]): string => {
  for (const name of names) if (typeof delta[name] === 'string' && delta[name] !== '') return delta[name]
  return ''
}

/**
 * Translates the chunks of one chat completion stream, in their order, into the events of a Messages stream: blocks one
 * after the other, the reason and the usage before `message_stop`. Of several choices only the first is told.
 */
export class MessageEvents {
  #begun = false
  #over = false
  #open: Open | null = null
  #blocks = 0
  #finish: unknown = null
  #usage: unknown = null
  #stopped: Members = {}

  /**
   * The events that the data of one event comes to.
   * @throws AppError `upstream_malformed` for what does not keep to the protocol.
   */
  take(data: string): string {
    if (this.#over) return ''
    if (data === '[DONE]') return this.#end()
    const chunk: unknown = JSON.parse(data)
    if (!isObject(chunk)) throw malformed('An event of the stream is no JSON object.')
    const begin = this.#begun ? '' : this.#begin(chunk)
    if (isObject(chunk['usage'])) this.#usage = chunk['usage']
    const choices: unknown = chunk['choices']
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined
    if (!isObject(choice)) return begin
    if (choice['index'] !== 0 && choice['index'] !== undefined) return begin
    this.#finish = choice['finish_reason'] ?? this.#finish
    return isObject(choice['delta']) ? begin + this.#say(choice['delta']) : begin
  }

  #begin(chunk: Members): string {
    this.#begun = true
    return write({ type: 'message_start', message: messageOf({ ...chunk, usage: null }, [], null) })
  }

  #say(delta: Members): string {
    let events = ''
    // Of a provider that speaks Messages itself.
    if (isObject(delta['stop'])) this.#stopped = delta['stop']
    const thinking = saidIn(delta, 'reasoning_content', 'reasoning')
    if (thinking !== '') events += this.#continue('thinking', { type: 'thinking_delta', thinking })
    const blocks: unknown = delta['thinking_blocks']
    if (Array.isArray(blocks)) for (const block of blocks) if (isObject(block)) events += this.#closeThinking(block)
    const text = saidIn(delta, 'content') + saidIn(delta, 'refusal')
    if (text !== '') events += this.#continue('text', { type: 'text_delta', text })
    const calls: unknown = delta['tool_calls']
    if (Array.isArray(calls)) for (const call of calls) if (isObject(call)) events += this.#call(call)
    return events
  }

  #start(block: Block): { readonly index: number; readonly events: string } {
    const events = this.#stop()
    const index = this.#blocks++
    return { index, events: events + write({ type: 'content_block_start', index, content_block: block }) }
  }

  #stop(): string {
    const open = this.#open
    this.#open = null
    return open === null ? '' : write({ type: 'content_block_stop', index: open.index })
  }

  #continue(kind: 'text' | 'thinking', delta: Block): string {
    let events = ''
    if (this.#open?.kind !== kind) {
      const empty =
        kind === 'text'
          ? { type: 'text', text: '', citations: null }
          : { type: 'thinking', thinking: '', signature: '' }
      const started = this.#start(empty)
      this.#open = { kind, index: started.index }
      events = started.events
    }
    return events + write({ type: 'content_block_delta', index: this.#open?.index, delta })
  }

  /** What was thought, whole and with its signature: the block that is open ends, or one that nobody may read is told. */
  #closeThinking(block: Members): string {
    if (block['type'] === 'thinking' && this.#open?.kind === 'thinking') {
      const { index } = this.#open
      const delta = { type: 'signature_delta', signature: block['signature'] }
      return write({ type: 'content_block_delta', index, delta }) + this.#stop()
    }
    const started = this.#start({ ...block })
    return started.events + write({ type: 'content_block_stop', index: started.index })
  }

  #call(call: Members): string {
    const described = isObject(call['function']) ? call['function'] : {}
    let events = ''
    let open = this.#open
    if (open?.kind !== 'tool' || open.call !== call['index']) {
      if (typeof call['id'] !== 'string')
        throw malformed('The parts of two tool calls are mixed, which no Messages stream can say.')
      const started = this.#start({ type: 'tool_use', id: call['id'], name: described['name'], input: {} })
      open = { kind: 'tool', index: started.index, call: call['index'] }
      this.#open = open
      events = started.events
    }
    const words = saidIn(described, 'arguments')
    if (words === '') return events
    const delta = { type: 'input_json_delta', partial_json: words }
    return events + write({ type: 'content_block_delta', index: open.index, delta })
  }

  #end(): string {
    this.#over = true
    if (!this.#begun) throw malformed('The stream ended before it began.')
    const unknown = { container: null, stop_sequence: null, stop_details: null }
    const delta = { ...unknown, stop_reason: stopReason(this.#finish), ...this.#stopped }
    const ended = write({ type: 'message_delta', delta, usage: messagesUsage(this.#usage) })
    return this.#stop() + ended + write({ type: 'message_stop' })
  }
}
