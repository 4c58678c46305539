import type { MediaRequest } from './media.ts'

/** What a model can be asked to do. */
export type Operation =
  | 'chat'
  | 'embeddings'
  | 'images'
  | 'image_edits'
  | 'image_variations'
  | 'speech'
  | 'transcriptions'
  | 'translations'
  | 'moderations'

/** Output cap where neither caller, model nor tier names one. */
export const defaultOutputCap = 4_096

/** Byte range of a top-level member's value in a JSON body. */
export interface MemberSpan {
  readonly start: number
  readonly end: number
}

/** What stands behind a request that was not written in OpenAI's chat protocol: the request itself is its translation. */
export interface Translation {
  /** Places whose meaning it does not carry. */
  readonly lost: readonly string[]
  /** The caller would rather be refused than lose anything. */
  readonly strict: boolean
  /** The body as it was written, where it was in Anthropic's Messages protocol. */
  readonly messages?: Buffer
}

/** A request to a model: its bytes, unchanged, and the few facts of it that decide anything. */
export interface InferenceRequest {
  readonly operation: Operation
  /** The model as the caller named it. */
  readonly model: string
  readonly stream: boolean
  /** The caller asked for the usage chunk of a stream. */
  readonly includeUsage: boolean
  /** `max_completion_tokens`, else `max_tokens`; null when the caller set neither. */
  readonly maxOutputTokens: number | null
  /** Answers asked for (`n`), at least 1. */
  readonly choices: number
  /** No tokeniser yields more input tokens than this; where `hasFiles`, the files left aside. */
  readonly inputTokensBound: number
  /** Holds a file or another part whose tokens its bytes do not bound: text in a PDF is packed, and its pages are seen as pictures too. */
  readonly hasFiles: boolean
  /** Addresses of pictures that it names, rather than holds. */
  readonly imageUrls?: readonly string[]
  /** The end user the body names; null when it names none. */
  readonly user: string | null
  readonly body: Buffer
  /** Where the top-level members stand in `body`, by name; of a form, the values of its fields. */
  readonly members: ReadonlyMap<string, MemberSpan>
  /** Of a request for images or audio. */
  readonly media?: MediaRequest
  /** Of a request in another protocol than OpenAI's: the cap of the output stands in `max_tokens`. */
  readonly translation?: Translation
}

/** A request of which nothing but its kind is known, for questions that turn on no body. */
export const unread: Omit<InferenceRequest, 'model' | 'operation'> = {
  stream: false,
  includeUsage: false,
  maxOutputTokens: null,
  choices: 1,
  inputTokensBound: 1,
  hasFiles: false,
  user: null,
  body: Buffer.alloc(0),
  members: new Map(),
}

/** A copy of a body with the bytes from `start` to `end` replaced by a text. */
export const replaceSpan = (body: Buffer, start: number, end: number, text: string): Buffer => {
  const length = Buffer.byteLength(text)
  const replaced = Buffer.allocUnsafe(body.length - (end - start) + length)
  body.copy(replaced, 0, 0, start)
  replaced.write(text, start)
  body.copy(replaced, start + length, end)
  return replaced
}
