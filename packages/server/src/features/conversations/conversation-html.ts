import type { DocumentHead, DocumentMessage } from '@headgate/contract/conversation-transfer.ts'
import { branchNote, type DocumentWriter, readPiece, roleName } from './conversation-document.ts'
import { transcriptText } from './conversation-words.ts'

const named: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => named[character] as string)
const back: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(named).map(([plain, name]) => [name, plain]),
)
const unescaped = (text: string): string => text.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (name) => back[name] as string)

/** Pictures that are shown: they stand in the message itself, so that nothing is asked for elsewhere. */
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/
const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}' +
  'article{border-top:1px solid #ccc;padding:.5rem 0}h2{font-size:1rem;margin:.5rem 0}pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}' +
  'img{max-width:100%}small{color:#555}@media(prefers-color-scheme:dark){body{color:#eee;background:#111}small{color:#aaa}}'

/** What a page that holds other people’s words may do: nothing. */
export const pagePolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"

const pictures = ({ content }: DocumentMessage['message']): readonly string[] =>
  (Array.isArray(content) ? content : []).flatMap((part: { image_url?: { url?: unknown } } | null) => {
    const url = part?.image_url?.url
    return typeof url === 'string' && PICTURE.test(url) ? [`<p><img alt="" src="${url}"></p>\n`] : []
  })

/** A document as a page that stands by itself; it holds itself as data too, to be brought in again whole. */
export const htmlWriter: DocumentWriter = {
  contentType: 'text/html; charset=utf-8',
  extension: 'html',
  begin: (head) => {
    const title = escaped(head.title ?? 'Session')
    return (
      `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="content-security-policy" content="${escaped(pagePolicy)}">\n` +
      `<meta name="viewport" content="width=device-width">\n<title>${title}</title>\n<style>${style}</style>\n</head>\n<body>\n` +
      `<main data-session="${escaped(JSON.stringify(head))}">\n<h1>${title}</h1>\n`
    )
  },
  message: (entry, before) => {
    const { message, id, status, model } = entry
    const note = branchNote(entry, before)
    const notes = [model, status === 'complete' ? null : status, note].filter((one) => typeof one === 'string')
    return (
      `<article id="${escaped(id)}" data-message="${escaped(JSON.stringify(entry))}">\n<h2>${escaped(roleName(message.role))}</h2>\n` +
      `${notes.length > 0 ? `<small>${escaped(notes.join(' · '))}</small>\n` : ''}<pre dir="auto">${escaped(transcriptText(message))}</pre>\n` +
      `${pictures(message).join('')}</article>\n`
    )
  },
  end: () => '</main>\n</body>\n</html>\n',
}

/** Reads a page that was written here. @throws SyntaxError where it is none; AppError as `readPiece` says */
export const readHtml = (document: string): unknown => {
  const head = /<main data-session="([^"]*)">/.exec(document)?.[1]
  if (head === undefined) throw new SyntaxError('It is no page that was exported here.')
  const messages = [...document.matchAll(/<article id="[^"]*" data-message="([^"]*)">/g)].map(
    ([, told = '']) => readPiece(unescaped(told)) as DocumentMessage,
  )
  return { ...(readPiece(unescaped(head)) as DocumentHead), messages }
}
