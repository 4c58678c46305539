/** What a stream said, read as WHATWG HTML 9.2.6 says, from the whole of its text. */
export interface StreamReading {
  readonly content: string
  readonly parts: number
  readonly code: string | null
  readonly done: boolean
  /** Data of every event, in order. */
  readonly data: readonly string[]
}

/** The data of each event: the reference that relayed streams are compared with. */
export const eventData = (text: string): string[] => {
  const found: string[] = []
  let data: string[] = []
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    if (line === '') {
      if (data.length > 0) found.push(data.join('\n'))
      data = []
    } else if (/^data(:|$)/.test(line)) data.push(line.slice(5).replace(/^ /, ''))
  }
  return found
}

/** Reads a chat stream: its text, its parts, how it ended. */
export const readEvents = (text: string): StreamReading => {
  const data = eventData(text)
  let content = ''
  let parts = 0
  let code: string | null = null
  for (const item of data) {
    if (item === '[DONE]') continue
    const chunk = JSON.parse(item) as {
      choices?: readonly { delta?: { content?: string } }[]
      error?: { code?: string }
    }
    if (chunk.error) code = chunk.error.code ?? ''
    const piece = chunk.choices?.[0]?.delta?.content
    if (piece === undefined || piece === '') continue
    content += piece
    parts += 1
  }
  return { content, parts, code, done: data.at(-1) === '[DONE]', data }
}
