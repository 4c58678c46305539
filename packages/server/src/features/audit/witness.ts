import type { Ask } from './audit.ports.ts'
import { isSignedBy, type NoteKey, readNote, readSignature } from './note.ts'

const TIMEOUT_MS = 10_000
const sizeType = 'text/x.tlog.size'

/** What is asked of a witness. */
export interface WitnessRequest {
  /** Prefix of its addresses. */
  readonly url: string
  readonly key: NoteKey
  /** How many entries it has seen, as far as is known. */
  readonly former: number
  readonly size: number
  /** The checkpoint. */
  readonly note: string
  /** Proves that what it has seen is the beginning of what it is shown. */
  readonly prove: (former: number) => Promise<readonly Buffer[]>
}

/**
 * Shows a checkpoint to a witness that speaks `add-checkpoint` (c2sp.org/tlog-witness), and gives the lines that it signed with its
 * key. @throws Error that says what came instead.
 */
export const askWitness = async (ask: Ask, request: WitnessRequest): Promise<readonly string[]> => {
  const { url, key, size, note, prove } = request
  const post = async (former: number) => {
    const proof = former === 0 ? [] : await prove(former)
    const lines = [`old ${former}`, ...proof.map((hash) => hash.toString('base64'))]
    const body = `${lines.join('\n')}\n\n${note}`
    return ask(
      `${url.replace(/\/+$/, '')}/add-checkpoint`,
      { headers: { 'content-type': 'text/plain' }, body },
      TIMEOUT_MS,
    )
  }
  let answer = await post(request.former)
  if (answer.status === 409 && String(answer.headers['content-type']).startsWith(sizeType)) {
    const seen = Number(answer.text.trim())
    if (!Number.isSafeInteger(seen) || seen < 0) throw new Error('it answered 409 without a size')
    if (seen > size) throw new Error(`it has seen ${seen} entries, and there are ${size}`)
    answer = await post(seen)
  }
  if (answer.status !== 200) throw new Error(`it answered ${answer.status}`)
  const text = readNote(note)?.text ?? ''
  const lines = answer.text.split('\n').filter((line) => {
    const signature = readSignature(line)
    return signature !== null && isSignedBy(key, text, signature)
  })
  if (lines.length === 0) throw new Error('it signed with another key than the configured one')
  return lines
}
