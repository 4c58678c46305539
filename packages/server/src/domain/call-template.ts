/** How an operation is asked for over plain HTTP, and where its answer is. */
export interface CallTemplate {
  readonly method: 'GET' | 'POST'
  /** Below the address of the provider, with places for values. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | undefined
  readonly contentType: string
  readonly answer: {
    /** JSON pointers (RFC 6901): to a text, to bytes as base64, or to an address. */
    readonly text?: string | undefined
    readonly base64?: string | undefined
    readonly url?: string | undefined
    /** Of the bytes; alone: the body is the answer, and of this type, such as `image/*`. */
    readonly type?: string | undefined
  }
}

/** The operations that can be asked for by a template. */
export const templateOperations = ['chat', 'images', 'speech'] as const
export type TemplateOperation = (typeof templateOperations)[number]

/** What a template has places for. */
export const templateValues: ReadonlySet<string> = new Set([
  ...['prompt', 'system', 'messages', 'model', 'api_key'],
  ...['size', 'width', 'height', 'quality', 'n', 'seed'],
  ...['voice', 'format', 'speed'],
  ...['max_tokens', 'temperature'],
])

/** How the values of a body of this type are written. */
export const modeOfBody = (contentType: string): 'json' | 'url' | 'xml' | 'text' => {
  const [essence = ''] = contentType.toLowerCase().split(';')
  if (essence.endsWith('json')) return 'json'
  if (/(\+|\/)(xml|html)$/.test(essence)) return 'xml'
  return essence === 'application/x-www-form-urlencoded' ? 'url' : 'text'
}
