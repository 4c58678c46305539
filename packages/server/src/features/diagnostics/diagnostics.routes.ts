import {
  type CpuProfileRequest,
  CpuProfileRequestSchema,
  type Diagnostics,
  DiagnosticsSchema,
  type HeapSnapshotRequest,
  HeapSnapshotRequestSchema,
} from '@headgate/contract/diagnostics.ts'
import { header } from '@headgate/contract/headers.ts'
import { Type } from 'typebox'
import { type AdminInput, defineRoute, type Reply, type Route } from '../../kernel/route.ts'

/** A file on its way to an operator. */
export interface Download {
  readonly name: string
  /** Its size, where that is known. */
  readonly bytes?: number
  readonly pieces: Iterable<string> | AsyncIterable<Buffer>
  /** Called once, when it was sent or the caller has left. */
  readonly release: () => void
}

interface DiagnosticsRoutes {
  readonly show: () => Diagnostics
  readonly cpuProfile: (wish: CpuProfileRequest, asked: AdminInput) => Promise<Download>
  readonly heapSnapshot: (wish: HeapSnapshotRequest, asked: AdminInput) => Promise<Download>
}

const secretsInside =
  'This file holds what was in memory: prompts, answers, keys and other secrets. Keep it as you keep the root key, and delete it.'

const replyOf = ({ name, bytes, pieces, release }: Download, more: Record<string, string> = {}): Reply => ({
  kind: 'file',
  contentType: 'application/octet-stream',
  headers: {
    'content-disposition': `attachment; filename="${name}"`,
    ...(bytes !== undefined && { 'content-length': String(bytes) }),
    ...more,
  },
  pieces,
  release,
})

/** What operators can see of the process, and take out of it. */
export const diagnosticsRoutes = ({ show, cpuProfile, heapSnapshot }: DiagnosticsRoutes): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/diagnostics',
    access: 'admin',
    permission: 'diagnostics:read',
    summary: 'How this process stands: event loop, memory, guards, open work, handles.',
    reference: { operationId: 'getDiagnostics', tag: 'Status', answer: DiagnosticsSchema },
    handle: () => ({ kind: 'json', value: show() }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/diagnostics/cpu-profile',
    access: 'admin',
    permission: 'diagnostics:profile',
    answersFile: true,
    summary: 'Looks for some seconds where the time goes; the answer is a `.cpuprofile`.',
    body: CpuProfileRequestSchema,
    reference: {
      operationId: 'takeCpuProfile',
      tag: 'Status',
      description:
        'Chromium’s developer tools and editors open it. It holds names of functions and files, nothing of callers. Costs some percent of a core while ' +
        'it looks. A caller who leaves ends it; a shutdown ends it with what was seen.',
      body: CpuProfileRequestSchema,
      answer: Type.String({ description: 'A CPU profile.' }),
      contentType: 'application/octet-stream',
      answerHeaders: ['content-disposition'],
      errors: ['diagnostics_busy', 'diagnostics_disabled'],
    },
    handle: async (input) => replyOf(await cpuProfile(input.body as CpuProfileRequest, input)),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/diagnostics/heap-snapshot',
    access: 'admin',
    permission: 'diagnostics:heap',
    answersFile: true,
    summary: 'Writes down the whole heap; the answer is a `.heapsnapshot` and holds prompts and secrets.',
    body: HeapSnapshotRequestSchema,
    reference: {
      operationId: 'takeHeapSnapshot',
      tag: 'Status',
      description:
        'Off unless `diagnostics.heap_snapshot` is true, and for owners alone: the file holds prompts, answers, keys and other secrets in the clear. The process ' +
        'stands still while it is made, about a second for 50 MB, and needs the room of its heap once more, in memory and three times on the disk.',
      body: HeapSnapshotRequestSchema,
      answer: Type.String({ description: 'A snapshot of the heap.' }),
      contentType: 'application/octet-stream',
      answerHeaders: ['content-disposition', header.warning],
      errors: ['diagnostics_busy', 'diagnostics_disabled', 'diagnostics_no_room'],
    },
    handle: async (input) =>
      replyOf(await heapSnapshot(input.body as HeapSnapshotRequest, input), { [header.warning]: secretsInside }),
  }),
]
