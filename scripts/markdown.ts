/** A link or picture of a Markdown text. */
export interface MarkdownLink {
  readonly text: string
  readonly target: string
  readonly isPicture: boolean
  /** Where the whole link begins and ends in the text. */
  readonly start: number
  readonly end: number
  readonly line: number
}

/** A heading with the anchor that GitHub and the site give it. */
export interface MarkdownHeading {
  readonly level: number
  readonly text: string
  readonly anchor: string
  readonly line: number
}

/** The same text with code, comments and front matter blanked, so that offsets stay. */
export const withoutCode = (text: string): string =>
  text
    .replace(/^---\n[^]*?\n---\n/, blank)
    .replace(/^( *)(`{3,}|~{3,})[^\n]*\n[^]*?^\1\2[`~]*[ \t]*$/gm, blank)
    .replace(/<!--[^]*?-->/g, blank)
    .replace(/(`+)(?!`)[^]*?[^`]\1(?!`)/g, blank)

const blank = (piece: string): string => piece.replace(/[^\n]/g, ' ')

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split('\n').length

/** Every `[text](target)` and `![text](target)` outside code. Reference links are not used here. */
export const linksOf = (text: string): MarkdownLink[] =>
  [...withoutCode(text).matchAll(/(!?)\[((?:[^[\]]|\[[^[\]]*\])*)\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)/g)].map(
    (match) => {
      const start = match.index
      const end = start + match[0].length
      const textStart = start + (match[1] ?? '').length + 1
      return {
        text: text.slice(textStart, textStart + (match[2] ?? '').length),
        target: match[3] ?? '',
        isPicture: match[1] === '!',
        start,
        end,
        line: lineAt(text, start),
      }
    },
  )

/** As GitHub makes anchors: lower case, punctuation out, a hyphen for each space. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')

/** The headings of a Markdown text, in order; a repeated one gets a number, as on GitHub. */
export const headingsOf = (text: string): MarkdownHeading[] => {
  const blanked = withoutCode(text)
  const seen = new Map<string, number>()
  return [...blanked.matchAll(/^(#{1,6}) +\S.*$/gm)].map((match) => {
    const level = (match[1] ?? '').length
    const heading = text.slice(match.index, match.index + match[0].length).replace(/^#+ +| +#* *$/g, '')
    const anchor = anchorOf(heading)
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    return {
      level,
      text: heading,
      anchor: count === 0 ? anchor : `${anchor}-${count}`,
      line: lineAt(text, match.index),
    }
  })
}

/** The text with each link replaced by what `replace` makes of it; null leaves the link as it is. */
export const replaceLinks = (text: string, replace: (link: MarkdownLink) => string | null): string => {
  let result = ''
  let at = 0
  for (const link of linksOf(text)) {
    const replacement = replace(link)
    if (replacement === null) continue
    result += text.slice(at, link.start) + replacement
    at = link.end
  }
  return result + text.slice(at)
}
