import { hkdfSync } from 'node:crypto'
import { header } from '@headgate/contract/headers.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Log } from '../../kernel/log.ts'
import { BenchBusy, createBench } from './bench.ts'
import { idsFrom, nameOf } from './mark-name.ts'
import { createOriginRecord } from './origins.ts'
import type { Marked, MarkedCall, ProvenanceSettings, SealPort, Stamped, VerifyFindings } from './provenance.ports.ts'
import { provenanceRoutes } from './provenance.routes.ts'
import { type ByteRecord, createRecording, type TextRecord } from './recording.ts'
import { createRoots } from './roots.ts'

interface ProvenanceOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly audit: {
    readonly record: (
      transaction: Transaction,
      entry: { actor: string; requestId: string; action: string; resource: string; after?: object },
    ) => Promise<void>
  }
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  readonly maxFileBytes: number
  readonly settings: () => ProvenanceSettings
  /** What all replicas share, for the key of marks. */
  readonly pepper: Buffer
}

/** Bytes with their mark told in the headers of their answer, and their digests recorded. */
export type MarkBytes = (call: MarkedCall, body: Buffer) => Promise<Buffer>

type Kind = 'images' | 'audio' | 'text'

/** Signs what models make and keeps a record of it; says of any file whether it was signed or made here. */
export interface Provenance extends Feature {
  /** Whether pictures or speech are signed, or texts tell their origin, by the present configuration. */
  readonly signs: (what: Kind) => boolean
  /** Whether a record is kept of them. */
  readonly records: (what: Kind) => boolean
  /** Whether they get a mark in their pixels: pictures do, where the configuration wants it. */
  readonly stamps: (what: Kind) => boolean
  /** The pictures of an answer of `/v1/images/…`. @throws AppError `provenance_failed` where the configuration wants it. */
  readonly markImages: MarkBytes
  /** A sound. @throws AppError `provenance_failed` where the configuration wants it. */
  readonly markSound: MarkBytes
  /** Records texts, or speech that is not signed, as they leave. */
  readonly recordTexts: (call: MarkedCall) => TextRecord
  readonly recordSound: (call: MarkedCall) => ByteRecord
}

/** Worst first: an answer of several pictures is called what its worst one is. */
const worst: readonly Marked[] = ['failed', 'busy', 'stream', 'format', 'address', 'provider', 'unasked', 'signed']
const wordOf = (marks: readonly Marked[], stamps: readonly Stamped[]): string => {
  const mark = worst.find((one) => marks.includes(one)) ?? 'format'
  const word = mark === 'unasked' ? 'unsigned' : `unsigned; reason=${mark}`
  const isStamped = stamps.length > 0 && stamps.every((one) => one === 'there')
  return (mark === 'signed' || mark === 'provider' ? mark : word) + (isStamped ? '; invisible' : '')
}

/** Of a form that asks by an id alone. */
const noFile = { verdict: 'unknown', format: null, failures: [], manifest: null } as const

/** Builds it. Nothing is loaded and no root is made before the first picture, or the first question. */
export const createProvenance = (options: ProvenanceOptions): Provenance => {
  const { clock, log, version, settings, audit } = options
  const roots = createRoots({ ...options, ownSigner: () => settings().signer })
  const bench = createBench(settings)
  const markKey = Buffer.from(hkdfSync('sha256', options.pepper, '', 'headgate/invisible-mark/1', 32))
  const origins = createOriginRecord({ ...options, keepDays: () => settings().recordDays })
  const recording = createRecording(origins.push, clock)
  const signs = (what: Kind): boolean => settings().sign.includes(what)
  const records = (what: Kind): boolean => settings().record.includes(what)
  const stamps = (what: Kind): boolean => what === 'images' && settings().invisibleMark

  const markWith =
    (kind: 'images' | 'file', what: Kind): MarkBytes =>
    async (call, body) => {
      const { requestId, headers } = call
      const [isSigned, isRecorded, isStamped] = [signs(what), records(what), stamps(what)]
      const { onFailure, termsOf } = settings()
      const model = headers[header.model] ?? 'unknown'
      const provider = headers[header.provider] ?? 'unknown'
      const origin = { model, provider, requestId, at: clock.now(), ...termsOf(`${provider}/${model}`) }
      let marks: readonly Marked[]
      let stamped: readonly Stamped[] = []
      let made = body
      try {
        const signing = isSigned ? { signer: await roots.signer(), origin, version } : null
        // A copy: the answer itself must be at hand where it cannot be signed.
        const memory = new Uint8Array(body).buffer
        const name = isStamped ? nameOf(call.id) : null
        const stamping = name === null ? null : { key: markKey, name }
        const answer = await bench.run({ kind, body: memory, signing, stamping, isRecorded })
        if (answer.kind !== 'marked') throw new Error('The worker answered something else')
        marks = answer.marks
        stamped = answer.stamps
        if (stamped.includes('failed'))
          log.warn(
            { component: 'provenance', request_id: requestId },
            'A picture could not get its invisible mark: it cannot be read, or sharp is not installed',
          )
        if (answer.body !== null) made = Buffer.from(answer.body.buffer)
        recording.record(call, what === 'images' ? 'image' : 'audio', answer.digests)
      } catch (fault) {
        const problem =
          isSigned || isStamped ? 'An answer could not be marked' : 'The origin of an answer could not be recorded'
        if (!(fault instanceof BenchBusy) || !(isSigned || isStamped))
          log.warn({ component: 'provenance', error: fault, request_id: requestId }, problem)
        marks = [fault instanceof BenchBusy ? 'busy' : 'failed']
      }
      if (!isSigned && !isStamped) return body
      const isFailed = stamped.includes('failed') || marks.some((mark) => mark === 'failed' || mark === 'busy')
      if (onFailure === 'fail' && isFailed) throw new AppError('provenance_failed')
      headers[header.provenance] = wordOf(marks, stamped)
      return made
    }

  const verify = async (project: string, form: Buffer, contentType: string): Promise<VerifyFindings> => {
    const order = { kind: 'verify', contentType, roots: await roots.certificates(), markKey } as const
    const answer = await bench.run({ ...order, body: new Uint8Array(form).buffer }).catch((cause: unknown) => {
      throw new AppError('provenance_unavailable', { cause })
    })
    if (answer.kind !== 'verified' || answer.form === null) throw new AppError('invalid_multipart')
    const { verification, digests, id, mark } = answer.form
    const beginning = mark?.id ?? null
    const requests = beginning === null ? null : idsFrom(beginning)
    const known = await origins.find(project, { requestId: id, digests, requests })
    return { ...(verification ?? noFile), mark, origins: known }
  }

  return {
    name: 'provenance',
    signs,
    records,
    stamps,
    markImages: markWith('images', 'images'),
    markSound: markWith('file', 'audio'),
    recordTexts: recording.texts,
    recordSound: recording.bytes,
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
      revoke: (version, operator) =>
        roots.revoke(version, (transaction, made) =>
          audit.record(transaction, {
            ...operator,
            action: 'provenance.root_revoked',
            resource: `provenance_root/${version}`,
            after: { version, made },
          }),
        ),
      maxFileBytes: options.maxFileBytes,
    }),
    relieve: bench.rest,
    start: origins.start,
    stop: async () => {
      await origins.stop()
      await bench.stop()
    },
  }
}
