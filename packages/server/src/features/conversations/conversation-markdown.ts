import {
  type DocumentHead,
  type DocumentMessage,
  documentFormat,
  type SessionDocument,
} from '@headgate/contract/conversation-transfer.ts'
import { branchNote, type DocumentWriter, readPiece, roleName } from './conversation-document.ts'
import { transcriptText } from './conversation-words.ts'

const SESSION = '<!-- headgate:session '
const MESSAGE = '<!-- headgate:message '

/** JSON that can stand in a comment: nothing in it ends one. */
const commented = (value: unknown): string =>
  JSON.stringify(value).replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('--', '-\\u002d')

/** A line that would be taken for one of ours gets a stroke before it. */
const guarded = (text: string): string => text.replaceAll(/^(\\*<!-- headgate:)/gm, '\\$1')
const unguarded = (text: string): string => text.replaceAll(/^\\(\\*<!-- headgate:)/gm, '$1')

/** A document as Markdown for people; what it does not show stands in comments, so that it can be brought in again whole. */
export const markdownWriter: DocumentWriter = {
  contentType: 'text/markdown; charset=utf-8',
  extension: 'md',
  begin: (head) => `${SESSION}${commented(head)} -->\n\n# ${(head.title ?? 'Session').replaceAll(/\s+/g, ' ')}\n\n`,
  message: (entry, before) => {
    const { message, ...rest } = entry
    const { content, ...others } = message
    // What is nothing but text is told once, unless the ends of its lines would be taken for those of the document.
    const isText = typeof content === 'string' && !content.includes('\r')
    const told = isText ? { ...rest, message: others } : entry
    const note = branchNote(entry, before)
    const text = isText ? content : transcriptText(message)
    return `${MESSAGE}${commented(told)} -->\n## ${roleName(message.role)}${note === null ? '' : ` (${note})`}\n\n${guarded(text)}\n\n`
  },
  end: () => '',
}

const roles: Readonly<Record<string, string>> = {
  user: 'user',
  you: 'user',
  human: 'user',
  assistant: 'assistant',
  ai: 'assistant',
  chatgpt: 'assistant',
  claude: 'assistant',
  gemini: 'assistant',
  system: 'system',
}
const HEADING = /^#{1,6}\s+(?:\*\*)?(user|you|human|assistant|ai|chatgpt|claude|gemini|system)(?:\*\*)?:?\s*$/i

/** Markdown from elsewhere: a heading for each turn. Null where there is none. */
const readPlain = (lines: readonly string[]): SessionDocument | null => {
  const messages: DocumentMessage[] = []
  let title: string | null = null
  let body: string[] | null = null
  let role = ''
  const close = (): void => {
    const content = (body ?? []).join('\n').trim()
    if (content === '') return
    messages.push({ id: `m${messages.length + 1}`, parent_id: messages.at(-1)?.id ?? null, message: { role, content } })
  }
  for (const line of lines) {
    const turn = HEADING.exec(line)?.[1]
    if (turn !== undefined) {
      close()
      body = []
      role = roles[turn.toLowerCase()] as string
    } else if (body !== null) body.push(line)
    else title ??= /^#\s+(.{1,200})$/.exec(line)?.[1]?.trim() ?? null
  }
  close()
  const leaf = messages.at(-1)
  return leaf === undefined ? null : { format: documentFormat, title, active_leaf: leaf.id, messages }
}

/** Reads Markdown. @throws SyntaxError where it is none that can be read; AppError as `readPiece` says */
export const readMarkdown = (document: string): unknown => {
  const text = document.replaceAll('\r\n', '\n')
  const parts = text.split(/^(?=<!-- headgate:)/m)
  const told = (part: string, prefix: string): unknown =>
    readPiece(part.slice(prefix.length, part.indexOf(' -->\n')).trim())
  const head = parts.find((part) => part.startsWith(SESSION))
  if (head === undefined) {
    const plain = readPlain(text.split('\n'))
    if (plain === null) throw new SyntaxError('It has no turns: write headings such as ## User and ## Assistant.')
    return plain
  }
  const messages = parts
    .filter((part) => part.startsWith(MESSAGE))
    .map((part) => {
      const entry = told(part, MESSAGE) as DocumentMessage
      if (entry.message?.content !== undefined) return entry
      const heading = /^[^\n]*\n## [^\n]*\n\n/.exec(part)?.[0]
      // Two line ends follow what was said; an editor may have taken some.
      const content = heading === undefined ? '' : unguarded(part.slice(heading.length).replace(/\n{1,2}$/, ''))
      return { ...entry, message: { ...entry.message, content } }
    })
  return { ...(told(head, SESSION) as DocumentHead), messages }
}
