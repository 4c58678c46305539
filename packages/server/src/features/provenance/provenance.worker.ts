import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { formatOf } from './file-format.ts'
import { beginningOf } from './mark-name.ts'
import { isPicture, searchMark, withMark } from './mark-picture.ts'
import type { InvisibleMark, Marked, Stamped } from './provenance.ports.ts'
import type { BenchAnswer, BenchOrder, Signing, Stamping, VerifiedForm } from './bench.ts'
import { createTextDigest } from './text-digest.ts'
import { withXmp, xmpOf } from './xmp.ts'

const plain = (file: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(file)

/** The reference implementation holds tens of mebibytes: digests need none of it. */
const reference = () => import('./reference.ts')

const digestOf = (file: Uint8Array): string => createHash('sha256').update(file).digest('hex')

/** What is done to files of an answer; null where it is not. */
interface Wanted {
  readonly signing: Signing | null
  readonly stamping: Stamping | null
}

interface Made {
  readonly file: Buffer
  readonly marked: Marked
  readonly stamped: Stamped
}

/** The mark in the pixels, which the manifest then covers. */
const stamp = async (
  format: string,
  file: Buffer,
  stamping: Stamping | null,
): Promise<Pick<Made, 'file' | 'stamped'>> => {
  if (stamping === null || !isPicture(format)) return { file, stamped: 'unfit' }
  try {
    const made = await withMark(format, file, Buffer.from(stamping.key), stamping.name)
    return made === null ? { file, stamped: 'unfit' } : { file: made, stamped: 'there' }
  } catch {
    return { file, stamped: 'failed' }
  }
}

/** One file, marked and signed where it can be. */
const mark = async (given: Buffer, { signing, stamping }: Wanted): Promise<Made> => {
  const format = formatOf(given)
  const left = { file: given, stamped: 'unfit' } as const
  if (format === null) return { ...left, marked: 'format' }
  let stamped: Pick<Made, 'file' | 'stamped'> = left
  try {
    const { carriesManifest, signFile } = await reference()
    // Its maker’s word weighs more than ours: a second manifest would claim that it was made here, and a changed pixel breaks the first.
    if (await carriesManifest(format, given)) return { ...left, marked: 'provider' }
    stamped = await stamp(format, given, stamping)
    if (signing === null) return { ...stamped, marked: 'unasked' }
    const told = withXmp(format, stamped.file, xmpOf(signing.origin))
    return { ...stamped, file: Buffer.from(await signFile(format, plain(told), signing)), marked: 'signed' }
  } catch {
    return { ...stamped, marked: 'failed' }
  }
}

interface Images {
  readonly data?: readonly ({ readonly b64_json?: unknown; readonly url?: unknown } | null)[]
}

/** Puts text in the place of text: everything else of the answer stays as the provider wrote it. */
const replaceText = (body: Buffer, former: string, text: string): Buffer => {
  for (const written of [former, former.replaceAll('/', '\\/')]) {
    const at = body.indexOf(`"${written}"`, 0, 'latin1')
    if (at < 0) continue
    return Buffer.concat([body.subarray(0, at + 1), Buffer.from(text), body.subarray(at + 1 + written.length)])
  }
  throw new Error('The picture is not where it was')
}

const inline = /^data:[\w/+.-]+;base64,/

/** The pictures of an answer of `/v1/images/…`, each signed in its place, and digested as it leaves. */
const markImages = async (
  body: Buffer,
  wanted: Wanted,
): Promise<{ body: Buffer; marks: Marked[]; stamps: Stamped[]; digests: (string | null)[] }> => {
  const { data = [] } = JSON.parse(body.toString('utf8')) as Images
  const marks: Marked[] = []
  const stamps: Stamped[] = []
  const digests: (string | null)[] = []
  let answer = body
  for (const one of data) {
    const { b64_json, url } = one ?? {}
    const written = typeof b64_json === 'string' ? b64_json : typeof url === 'string' ? url : ''
    const head = typeof b64_json === 'string' ? '' : inline.exec(written)?.[0]
    if (head === undefined) {
      marks.push('address')
      stamps.push('unfit')
      digests.push(null)
      continue
    }
    let file = Buffer.from(written.slice(head.length), 'base64')
    if (wanted.signing !== null || wanted.stamping !== null) {
      const made = await mark(file, wanted)
      if (made.file !== file) answer = replaceText(answer, written, head + made.file.toString('base64'))
      marks.push(made.marked)
      stamps.push(made.stamped)
      file = Buffer.from(made.file)
    }
    digests.push(digestOf(file))
  }
  return { body: answer, marks, stamps, digests }
}

/** Longest file that may be a recorded text. */
const mostText = 4_194_304

/** Under which an output like this file is recorded: as a file, and as a text where it may be one. */
const digestsOf = (file: Buffer): string[] => {
  const digests = [digestOf(file)]
  if (file.length > mostText) return digests
  try {
    const text = createTextDigest()
    text.add(new TextDecoder('utf-8', { fatal: true }).decode(file))
    const digest = text.digest()
    if (digest !== null) digests.push(digest)
  } catch {
    // No text.
  }
  return digests
}

/** What stands in the pixels of a picture; null where it cannot be searched. */
const invisibleIn = async (file: Buffer, key: Uint8Array): Promise<InvisibleMark | null> => {
  const search = await searchMark(file, Buffer.from(key))
  if (search === null) return null
  if (search.found === null) return { found: false, id: null, confidence: 0 }
  const { name, agreement } = search.found
  return { found: true, id: beginningOf(name), confidence: Math.round(agreement * 1_000) / 1_000 }
}

/** What a form asks, and what the verifier says of its file; null where the form is none, or asks nothing. */
const verify = async (
  form: Uint8Array<ArrayBuffer>,
  { contentType, roots, markKey }: Extract<BenchOrder, { kind: 'verify' }>,
): Promise<VerifiedForm | null> => {
  const fields = await new Response(form, { headers: { 'content-type': contentType } }).formData().catch(() => null)
  const [field, named] = [fields?.get('file') ?? null, fields?.get('id') ?? null]
  const id = typeof named === 'string' && named !== '' ? named.slice(0, 128) : null
  if (field === null || typeof field === 'string')
    return id === null ? null : { verification: null, digests: [], id, mark: null }
  const file = Buffer.from(await field.arrayBuffer())
  const format = formatOf(file)
  const verification =
    format === null
      ? ({ verdict: 'unknown', format, failures: [], manifest: null } as const)
      : await (await reference()).verifyFile(format, file, roots)
  const mark = isPicture(format) ? await invisibleIn(file, markKey) : null
  return { verification, digests: digestsOf(file), id, mark }
}

const perform = async (order: BenchOrder): Promise<BenchAnswer> => {
  switch (order.kind) {
    case 'images': {
      const given = Buffer.from(order.body)
      const { body, digests, ...told } = await markImages(given, order)
      return {
        kind: 'marked',
        body: body === given ? null : plain(body),
        ...told,
        digests: order.isRecorded ? digests : [],
      }
    }
    case 'file': {
      const body = Buffer.from(order.body)
      const { file, marked } =
        order.signing === null ? { file: body, marked: 'format' as const } : await mark(body, order)
      const digests = order.isRecorded ? [digestOf(file)] : []
      return { kind: 'marked', body: file === body ? null : plain(file), marks: [marked], stamps: [], digests }
    }
    case 'verify':
      return { kind: 'verified', form: await verify(new Uint8Array(order.body), order) }
  }
}

parentPort?.on('message', (order: BenchOrder) => {
  perform(order).then(
    (answer) =>
      parentPort?.postMessage(answer, answer.kind === 'marked' && answer.body !== null ? [answer.body.buffer] : []),
    (fault: unknown) => parentPort?.postMessage({ kind: 'broken', reason: String(fault) } satisfies BenchAnswer),
  )
})
