import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { formatOf } from './file-format.ts'
import type { Marked } from './provenance.ports.ts'
import type { BenchAnswer, BenchOrder, Signing, VerifiedForm } from './bench.ts'
import { createTextDigest } from './text-digest.ts'
import { withXmp, xmpOf } from './xmp.ts'

const plain = (file: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(file)

/** The reference implementation holds tens of mebibytes: digests need none of it. */
const reference = () => import('./reference.ts')

const digestOf = (file: Uint8Array): string => createHash('sha256').update(file).digest('hex')

/** One file, signed where it can be. */
const mark = async (file: Buffer, signing: Signing): Promise<{ file: Buffer; marked: Marked }> => {
  const format = formatOf(file)
  if (format === null) return { file, marked: 'format' }
  try {
    const { carriesManifest, signFile } = await reference()
    // Its maker’s word weighs more than ours: a second manifest would claim that it was made here.
    if (await carriesManifest(format, file)) return { file, marked: 'provider' }
    const told = withXmp(format, file, xmpOf(signing.origin))
    return { file: Buffer.from(await signFile(format, plain(told), signing)), marked: 'signed' }
  } catch {
    return { file, marked: 'failed' }
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
  signing: Signing | null,
): Promise<{ body: Buffer; marks: Marked[]; digests: (string | null)[] }> => {
  const { data = [] } = JSON.parse(body.toString('utf8')) as Images
  const marks: Marked[] = []
  const digests: (string | null)[] = []
  let answer = body
  for (const one of data) {
    const { b64_json, url } = one ?? {}
    const written = typeof b64_json === 'string' ? b64_json : typeof url === 'string' ? url : ''
    const head = typeof b64_json === 'string' ? '' : inline.exec(written)?.[0]
    if (head === undefined) {
      marks.push('address')
      digests.push(null)
      continue
    }
    let file = Buffer.from(written.slice(head.length), 'base64')
    if (signing !== null) {
      const made = await mark(file, signing)
      if (made.marked === 'signed') answer = replaceText(answer, written, head + made.file.toString('base64'))
      marks.push(made.marked)
      file = Buffer.from(made.file)
    }
    digests.push(digestOf(file))
  }
  return { body: answer, marks, digests }
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

/** What a form asks, and what the verifier says of its file; null where the form is none, or asks nothing. */
const verify = async (
  form: Uint8Array<ArrayBuffer>,
  contentType: string,
  roots: string,
): Promise<VerifiedForm | null> => {
  const fields = await new Response(form, { headers: { 'content-type': contentType } }).formData().catch(() => null)
  const [field, named] = [fields?.get('file') ?? null, fields?.get('id') ?? null]
  const id = typeof named === 'string' && named !== '' ? named.slice(0, 128) : null
  if (field === null || typeof field === 'string') return id === null ? null : { verification: null, digests: [], id }
  const file = Buffer.from(await field.arrayBuffer())
  const format = formatOf(file)
  const verification =
    format === null
      ? ({ verdict: 'unknown', format, failures: [], manifest: null } as const)
      : await (await reference()).verifyFile(format, file, roots)
  return { verification, digests: digestsOf(file), id }
}

const perform = async (order: BenchOrder): Promise<BenchAnswer> => {
  switch (order.kind) {
    case 'images': {
      const { signing, isRecorded } = order
      const { body, marks, digests } = await markImages(Buffer.from(order.body), signing)
      return { kind: 'marked', body: signing && plain(body), marks, digests: isRecorded ? digests : [] }
    }
    case 'file': {
      const { signing, isRecorded } = order
      const body = Buffer.from(order.body)
      const { file, marked } = signing === null ? { file: body, marked: 'format' as const } : await mark(body, signing)
      const digests = isRecorded ? [digestOf(file)] : []
      return { kind: 'marked', body: signing && plain(file), marks: [marked], digests }
    }
    case 'verify':
      return { kind: 'verified', form: await verify(new Uint8Array(order.body), order.contentType, order.roots) }
  }
}

parentPort?.on('message', (order: BenchOrder) => {
  perform(order).then(
    (answer) =>
      parentPort?.postMessage(answer, answer.kind === 'marked' && answer.body !== null ? [answer.body.buffer] : []),
    (fault: unknown) => parentPort?.postMessage({ kind: 'broken', reason: String(fault) } satisfies BenchAnswer),
  )
})
