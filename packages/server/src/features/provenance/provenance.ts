import { header } from '@headgate/contract/headers.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { BenchBusy, createBench } from './bench.ts'
import type { Marked, ProvenanceSettings, SealPort } from './provenance.ports.ts'
import { provenanceRoutes } from './provenance.routes.ts'
import { createRoots } from './roots.ts'

interface ProvenanceOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly audit: {
    readonly record: (
      transaction: Transaction,
      entry: { actor: string; requestId: string; action: string; resource: string },
    ) => Promise<void>
  }
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly maxFileBytes: number
  readonly settings: () => ProvenanceSettings
}

/** What of a call is told in its manifest. */
export interface MarkedCall {
  readonly requestId: string
  readonly headers: Record<string, string>
}

/** Bytes with their mark told in the headers of their answer. */
export type MarkBytes = (call: MarkedCall, body: Buffer) => Promise<Buffer>

/** Signs what models make, and says of any file whether it was signed here. */
export interface Provenance extends Feature {
  /** Whether pictures or speech are signed, or texts tell their origin, by the present configuration. */
  readonly signs: (what: 'images' | 'audio' | 'text') => boolean
  /** The pictures of an answer of `/v1/images/…`. @throws AppError `provenance_failed` where the configuration wants it. */
  readonly markImages: MarkBytes
  /** A sound. @throws AppError `provenance_failed` where the configuration wants it. */
  readonly markSound: MarkBytes
}

/** Worst first: an answer of several pictures is called what its worst one is. */
const worst: readonly Marked[] = ['failed', 'busy', 'stream', 'format', 'address', 'provider', 'signed']
const wordOf = (marks: readonly Marked[]): string => {
  const mark = worst.find((one) => marks.includes(one)) ?? 'format'
  return mark === 'signed' || mark === 'provider' ? mark : `unsigned; reason=${mark}`
}

/** Builds it. Nothing is loaded and no root is made before the first picture, or the first question. */
export const createProvenance = (options: ProvenanceOptions): Provenance => {
  const { clock, log, version, settings, audit } = options
  const roots = createRoots(options)
  const bench = createBench(settings)

  const markWith =
    (kind: 'images' | 'file'): MarkBytes =>
    async ({ requestId, headers }, body) => {
      const { onFailure, termsOf } = settings()
      const model = headers[header.model] ?? 'unknown'
      const provider = headers[header.provider] ?? 'unknown'
      const origin = { model, provider, requestId, at: clock.now(), ...termsOf(`${provider}/${model}`) }
      let marks: readonly Marked[]
      let made = body
      try {
        const signer = await roots.signer()
        // A copy: the answer itself must be at hand where it cannot be signed.
        const memory = new Uint8Array(body).buffer
        const answer = await bench.run({ kind, body: memory, signer, origin, version })
        if (answer.kind !== 'marked') throw new Error('The worker answered something else')
        marks = answer.marks
        made = Buffer.from(answer.body.buffer)
      } catch (fault) {
        if (!(fault instanceof BenchBusy))
          log.warn({ component: 'provenance', error: fault, request_id: requestId }, 'An answer could not be signed')
        marks = [fault instanceof BenchBusy ? 'busy' : 'failed']
      }
      if (onFailure === 'fail' && marks.some((mark) => mark === 'failed' || mark === 'busy'))
        throw new AppError('provenance_failed')
      headers[header.provenance] = wordOf(marks)
      return made
    }

  const verify = async (form: Buffer, contentType: string) => {
    const order = { kind: 'verify', contentType, roots: await roots.certificates() } as const
    const answer = await bench.run({ ...order, body: new Uint8Array(form).buffer }).catch((cause: unknown) => {
      throw new AppError('provenance_unavailable', { cause })
    })
    if (answer.kind !== 'verified' || answer.verification === null) throw new AppError('invalid_multipart')
    return answer.verification
  }

  return {
    name: 'provenance',
    signs: (what) => settings().sign.includes(what),
    markImages: markWith('images'),
    markSound: markWith('file'),
    routes: provenanceRoutes({
      verify,
      certificates: roots.certificates,
      rotate: (operator) =>
        roots.rotate((transaction, root) =>
          audit.record(transaction, {
            ...operator,
            action: 'provenance.root_made',
            resource: `provenance_root/${root}`,
          }),
        ),
      maxFileBytes: options.maxFileBytes,
    }),
    relieve: bench.rest,
    stop: bench.stop,
  }
}
