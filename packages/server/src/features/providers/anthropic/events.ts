import { malformedStream } from '../translation/malformed-stream.ts'
import type { EventTranslator } from '../translation/translated-stream.ts'
import { faultOfEvent } from './faults.ts'
import { finishReason, refusalText } from './stop-reason.ts'
import { merge, openaiUsage } from './usage.ts'

type Members = Readonly<Record<string, unknown>>

/** A content block that has begun. */
type Open =
  | { readonly kind: 'text' | 'other' }
  | { readonly kind: 'thinking'; thinking: string; signature: string }
  | { readonly kind: 'tool'; readonly call: number; readonly input: unknown; hasArguments: boolean }

/** Thinking beyond this is not kept for the next turn: more than any model's longest. */
const MOST_THINKING_CHARACTERS = 8_388_608

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const parse = (data: string): Members => {
  try {
    const value: unknown = JSON.parse(data)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members
  } catch {
    // Told below, like any other event that is no object.
  }
  throw malformedStream('An event of the stream is no JSON object.')
}

const isTerminal = (data: string): boolean => {
  try {
    return (JSON.parse(data) as { type?: unknown } | null)?.type === 'message_stop'
  } catch {
    return false
  }
}

/**
 * Translates the events of one Messages stream, in their order, into the bytes of a chat completion stream. Blocks may
 * interleave; tool calls are numbered in the order in which they begin. Event, block and delta types that are not known
 * are passed over, as Anthropic's versioning policy asks.
 */
export class MessageTranslator implements EventTranslator {
  readonly #created: number
  readonly #secrets: readonly string[]
  readonly #isForMessages: boolean
  readonly #blocks = new Map<unknown, Open>()
  readonly #thinking: Members[] = []
  #thinkingLength = 0
  #head = ''
  #calls = 0
  #usage: Members = {}
  #stop: Members = {}
  #ended = false

  /**
   * @param created seconds since the epoch.
   * @param isForMessages thinking is told as each block of it ends, where a Messages stream has its signature, and not in the end.
   */
  constructor(created: number, secrets: readonly string[], isForMessages = false) {
    this.#created = created
    this.#secrets = secrets
    this.#isForMessages = isForMessages
  }

  /**
   * The chunks that one event comes to; none for most of the bookkeeping ones.
   * @throws ProviderFault for an `error` event, and for what does not keep to the protocol.
   */
  take(data: string): string {
    if (this.#ended) return ''
    const event = parse(data)
    switch (event['type']) {
      case 'message_start':
        return this.#startMessage(membersOf(event['message']))
      case 'content_block_start':
        return this.#startBlock(event['index'], membersOf(event['content_block']))
      case 'content_block_delta':
        return this.#continueBlock(event['index'], membersOf(event['delta']))
      case 'content_block_stop':
        return this.#stopBlock(event['index'])
      case 'message_delta':
        return this.#noteEnd(membersOf(event['delta']), event['usage'])
      case 'message_stop':
        return this.#stopMessage()
      case 'error':
        throw faultOfEvent(event, this.#secrets)
      default:
        return ''
    }
  }

  /** Some servers close right after the last event, without its blank line; it has said all there is to say. */
  end(held: string): string {
    return isTerminal(held) ? this.take(held) : ''
  }

  #chunk(delta: Members, finish: string | null = null): string {
    if (this.#head === '') throw malformedStream('The stream does not begin with message_start.')
    const choice = { index: 0, delta, logprobs: null, finish_reason: finish }
    return `${this.#head}"choices":[${JSON.stringify(choice)}]}\n\n`
  }

  #startMessage({ id, model, usage }: Members): string {
    const identity = { id, object: 'chat.completion.chunk', created: this.#created, model }
    this.#head = `data: ${JSON.stringify(identity).slice(0, -1)},`
    this.#usage = merge(this.#usage, usage)
    return this.#chunk({ role: 'assistant', content: '', refusal: null })
  }

  #startBlock(index: unknown, block: Members): string {
    switch (block['type']) {
      case 'text':
        this.#blocks.set(index, { kind: 'text' })
        return this.#say('content', block['text'])
      case 'thinking':
        this.#blocks.set(index, {
          kind: 'thinking',
          thinking: textOf(block['thinking']),
          signature: textOf(block['signature']),
        })
        return this.#say('reasoning_content', block['thinking'])
      case 'redacted_thinking':
        this.#blocks.set(index, { kind: 'other' })
        return this.#keep(block, textOf(block['data']).length)
      case 'tool_use': {
        const call = this.#calls++
        this.#blocks.set(index, { kind: 'tool', call, input: block['input'], hasArguments: false })
        const named = { name: block['name'], arguments: '' }
        return this.#chunk({ tool_calls: [{ index: call, id: block['id'], type: 'function', function: named }] })
      }
      default:
        this.#blocks.set(index, { kind: 'other' })
        return ''
    }
  }

  #continueBlock(index: unknown, delta: Members): string {
    const block = this.#blocks.get(index)
    if (block === undefined) throw malformedStream('A delta of the stream belongs to no content block.')
    switch (delta['type']) {
      case 'text_delta':
        return this.#say('content', delta['text'])
      case 'thinking_delta':
        if (block.kind === 'thinking') block.thinking += textOf(delta['thinking'])
        return this.#say('reasoning_content', delta['thinking'])
      case 'signature_delta':
        if (block.kind === 'thinking') block.signature += textOf(delta['signature'])
        return ''
      case 'input_json_delta':
        return block.kind === 'tool' ? this.#argue(block, textOf(delta['partial_json'])) : ''
      default:
        return ''
    }
  }

  #stopBlock(index: unknown): string {
    const block = this.#blocks.get(index)
    this.#blocks.delete(index)
    if (block?.kind === 'thinking') {
      const { thinking, signature } = block
      return this.#keep({ type: 'thinking', thinking, signature }, thinking.length + signature.length)
    }
    // A tool without parameters gets no input_json_delta that says so; arguments are JSON all the same.
    if (block?.kind === 'tool' && !block.hasArguments) return this.#argue(block, JSON.stringify(block.input ?? {}))
    return ''
  }

  #noteEnd(delta: Members, usage: unknown): string {
    this.#stop = merge(this.#stop, delta)
    this.#usage = merge(this.#usage, usage)
    return ''
  }

  /** The finish, the usage and the terminal leave together, so that a cut stream has none of them. */
  #stopMessage(): string {
    this.#ended = true
    const { stop_reason: reason, stop_details: details } = this.#stop
    const refusal = refusalText(reason, details)
    const finish = this.#chunk(
      {
        ...(refusal !== null && { refusal }),
        ...(this.#thinking.length > 0 && { thinking_blocks: this.#thinking }),
        ...(this.#isForMessages && { stop: this.#stop }),
      },
      finishReason(reason),
    )
    const usage = openaiUsage(this.#usage)
    const counted = usage === null ? '' : `${this.#head}"choices":[],"usage":${JSON.stringify(usage)}}\n\n`
    return `${finish}${counted}data: [DONE]\n\n`
  }

  #say(member: 'content' | 'reasoning_content', words: unknown): string {
    return typeof words === 'string' && words !== '' ? this.#chunk({ [member]: words }) : ''
  }

  #argue(block: Open & { kind: 'tool' }, words: string): string {
    if (words === '') return ''
    block.hasArguments = true
    return this.#chunk({ tool_calls: [{ index: block.call, function: { arguments: words } }] })
  }

  #keep(block: Members, length: number): string {
    if (this.#isForMessages) return this.#chunk({ thinking_blocks: [block] })
    this.#thinkingLength += length
    if (this.#thinkingLength <= MOST_THINKING_CHARACTERS) this.#thinking.push(block)
    return ''
  }
}
