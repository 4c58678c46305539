/** Markup that is safe to send. */
export interface Html {
  readonly markup: string
}

type Piece = string | number | Html | readonly Piece[] | null | undefined | false

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] as string)

const render = (piece: Piece): string => {
  if (piece === null || piece === undefined || piece === false) return ''
  if (typeof piece === 'object') return 'markup' in piece ? piece.markup : piece.map(render).join('')
  return escape(String(piece))
}

/** A template whose values are escaped unless they are markup themselves; lists are joined, what is absent or false leaves nothing. */
export const html = (parts: TemplateStringsArray, ...pieces: Piece[]): Html => ({
  markup: parts.reduce((before, part, index) => before + render(pieces[index - 1]) + part),
})

/** A sentence of the catalogue: what stands in backticks is code. */
export const prose = (sentence: string): Html => ({
  markup: escape(sentence).replace(/`([^`]+)`/g, '<code>$1</code>'),
})

/** A block of code with its own copy button, where scripts run. */
export const codeBlock = (text: string): Html =>
  html`<div class="code"><pre tabindex="0"><code>${text}</code></pre></div>`
