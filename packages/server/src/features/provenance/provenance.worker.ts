import { parentPort } from 'node:worker_threads'
import { formatOf } from './file-format.ts'
import type { Marked, Verification } from './provenance.ports.ts'
import { carriesManifest, signFile, verifyFile } from './reference.ts'
import type { BenchAnswer, BenchOrder, Signing } from './bench.ts'
import { withXmp, xmpOf } from './xmp.ts'

const plain = (file: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(file)

/** One file, signed where it can be. */
const mark = async (file: Buffer, signing: Signing): Promise<{ file: Buffer; marked: Marked }> => {
  const format = formatOf(file)
  if (format === null) return { file, marked: 'format' }
  try {
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

/** The pictures of an answer of `/v1/images/…`, each signed in its place. */
const markImages = async (body: Buffer, signing: Signing): Promise<{ body: Buffer; marks: Marked[] }> => {
  const { data = [] } = JSON.parse(body.toString('utf8')) as Images
  const marks: Marked[] = []
  let answer = body
  for (const one of data) {
    const { b64_json, url } = one ?? {}
    const written = typeof b64_json === 'string' ? b64_json : typeof url === 'string' ? url : ''
    const head = typeof b64_json === 'string' ? '' : inline.exec(written)?.[0]
    if (head === undefined) marks.push('address')
    else {
      const { file, marked } = await mark(Buffer.from(written.slice(head.length), 'base64'), signing)
      if (marked === 'signed') answer = replaceText(answer, written, head + file.toString('base64'))
      marks.push(marked)
    }
  }
  return { body: answer, marks }
}

/** The file of a form, and what the verifier says of it; null where the form is none or has no file. */
const verify = async (
  form: Uint8Array<ArrayBuffer>,
  contentType: string,
  roots: string,
): Promise<Verification | null> => {
  const fields = await new Response(form, { headers: { 'content-type': contentType } }).formData().catch(() => null)
  const field = fields?.get('file')
  if (field === null || field === undefined || typeof field === 'string') return null
  const file = Buffer.from(await field.arrayBuffer())
  const format = formatOf(file)
  if (format === null) return { verdict: 'unknown', format, failures: [], manifest: null }
  return verifyFile(format, file, roots)
}

const perform = async (order: BenchOrder): Promise<BenchAnswer> => {
  switch (order.kind) {
    case 'images': {
      const { body, marks } = await markImages(Buffer.from(order.body), order)
      return { kind: 'marked', body: plain(body), marks }
    }
    case 'file': {
      const { file, marked } = await mark(Buffer.from(order.body), order)
      return { kind: 'marked', body: plain(file), marks: [marked] }
    }
    case 'verify':
      return {
        kind: 'verified',
        verification: await verify(new Uint8Array(order.body), order.contentType, order.roots),
      }
  }
}

parentPort?.on('message', (order: BenchOrder) => {
  perform(order).then(
    (answer) => parentPort?.postMessage(answer, answer.kind === 'marked' ? [answer.body.buffer] : []),
    (fault: unknown) => parentPort?.postMessage({ kind: 'broken', reason: String(fault) } satisfies BenchAnswer),
  )
})
