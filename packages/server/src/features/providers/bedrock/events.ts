import { malformedStream } from '../translation/malformed-stream.ts'
import type { EventTranslator } from '../translation/translated-stream.ts'
import { ProviderFault } from '../provider.ts'
import { isObject, type Members, membersOf, textOf } from '../translation/parts.ts'
import { faultOfException, parseEvent } from './faults.ts'
import { finishReason, openaiUsage } from './stop-reason.ts'

/** Thinking beyond this is not kept for the next turn: more than any model's longest. */
const MOST_THINKING_CHARACTERS = 8_388_608

/** A thought that is being told. */
interface Thought {
  text: string
  signature: string
  redacted: string
}

/**
 * Translates the events of `ConverseStream` into a chat completion stream. Usage comes after `messageStop`, so that finish, usage and
 * terminal leave together at the end; a stream without `messageStop` is cut and gets none of them.
 */
export class ConverseTranslator implements EventTranslator {
  readonly #head: string
  readonly #secrets: readonly string[]
  readonly #calls = new Map<unknown, { index: number; hasArguments: boolean }>()
  readonly #thoughts = new Map<unknown, Thought>()
  readonly #thinking: Members[] = []
  #thinkingLength = 0
  #began = false
  #stopReason: unknown
  #usage: unknown = null

  /** @param created seconds since the epoch. */
  constructor(model: string, id: string, created: number, secrets: readonly string[]) {
    const identity = { id, object: 'chat.completion.chunk', created, model }
    this.#head = `data: ${JSON.stringify(identity).slice(0, -1)},`
    this.#secrets = secrets
  }

  take(data: string): string {
    const event = parseEvent(data)
    const fault = faultOfException(event, this.#secrets)
    if (fault !== null) throw new ProviderFault(fault.code, { ...fault.options, upstreamStatus: 200, retry: 'never' })
    if (isObject(event['messageStart'])) {
      this.#began = true
      return this.#chunk({ role: 'assistant', content: '', refusal: null })
    }
    if (isObject(event['contentBlockStart'])) return this.#startBlock(event['contentBlockStart'])
    if (isObject(event['contentBlockDelta'])) return this.#continueBlock(event['contentBlockDelta'])
    if (isObject(event['contentBlockStop'])) return this.#stopBlock(event['contentBlockStop']['contentBlockIndex'])
    if (isObject(event['messageStop'])) this.#stopReason = event['messageStop']['stopReason']
    if (isObject(event['metadata'])) this.#usage = event['metadata']['usage']
    return ''
  }

  end(): string {
    if (this.#stopReason === undefined) return ''
    const thoughts = this.#thinking.length > 0 ? { thinking_blocks: this.#thinking } : {}
    const finish = this.#chunk(thoughts, finishReason(this.#stopReason))
    const usage = openaiUsage(this.#usage)
    const counted = usage === null ? '' : `${this.#head}"choices":[],"usage":${JSON.stringify(usage)}}\n\n`
    return `${finish}${counted}data: [DONE]\n\n`
  }

  #startBlock({ contentBlockIndex, start }: Members): string {
    const { toolUse } = membersOf(start)
    if (!isObject(toolUse)) return ''
    const index = this.#calls.size
    this.#calls.set(contentBlockIndex, { index, hasArguments: false })
    const named = { name: toolUse['name'], arguments: '' }
    return this.#chunk({ tool_calls: [{ index, id: toolUse['toolUseId'], type: 'function', function: named }] })
  }

  #continueBlock({ contentBlockIndex: block, delta }: Members): string {
    const { text, toolUse, reasoningContent } = membersOf(delta)
    if (typeof text === 'string') return text === '' ? '' : this.#chunk({ content: text })
    if (isObject(toolUse)) return this.#argue(block, textOf(toolUse['input']))
    return isObject(reasoningContent) ? this.#think(block, reasoningContent) : ''
  }

  #argue(block: unknown, words: string): string {
    const call = this.#calls.get(block)
    if (call === undefined) throw malformedStream('A delta of the stream belongs to no tool call.')
    if (words === '') return ''
    call.hasArguments = true
    return this.#chunk({ tool_calls: [{ index: call.index, function: { arguments: words } }] })
  }

  #think(block: unknown, said: Members): string {
    const thought = this.#thoughts.get(block) ?? { text: '', signature: '', redacted: '' }
    this.#thoughts.set(block, thought)
    const text = textOf(said['text'])
    thought.text += text
    thought.signature += textOf(said['signature'])
    thought.redacted += textOf(said['redactedContent'])
    return text === '' ? '' : this.#chunk({ reasoning_content: text })
  }

  #stopBlock(block: unknown): string {
    const thought = this.#thoughts.get(block)
    this.#thoughts.delete(block)
    if (thought !== undefined) {
      const { text, signature, redacted } = thought
      this.#thinkingLength += text.length + signature.length + redacted.length
      if (this.#thinkingLength <= MOST_THINKING_CHARACTERS)
        this.#thinking.push(
          redacted === ''
            ? { type: 'thinking', thinking: text, signature }
            : { type: 'redacted_thinking', data: redacted },
        )
    }
    const call = this.#calls.get(block)
    // A tool without parameters gets no delta that says so; arguments are JSON all the same.
    return call !== undefined && !call.hasArguments ? this.#argue(block, '{}') : ''
  }

  #chunk(delta: Members, finish: string | null = null): string {
    if (!this.#began) throw malformedStream('The stream does not begin with messageStart.')
    const choice = { index: 0, delta, logprobs: null, finish_reason: finish }
    return `${this.#head}"choices":[${JSON.stringify(choice)}]}\n\n`
  }
}
