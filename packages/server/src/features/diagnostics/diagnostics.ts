import type { CpuProfileRequest, HeapSnapshotRequest } from '@headgate/contract/diagnostics.ts'
import { samplingMicroseconds } from '@headgate/contract/diagnostics.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/db.ts'
import { isConnectionFault } from '../../kernel/db-errors.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import { clearHeapFiles, roomIn, writeHeapFile } from '../../kernel/heap-file.ts'
import type { Log } from '../../kernel/log.ts'
import type { AdminInput } from '../../kernel/route.ts'
import { takeCpuProfile } from './cpu-profile.ts'
import type { DiagnosticsPorts } from './diagnostics.ports.ts'
import { type Download, diagnosticsRoutes } from './diagnostics.routes.ts'

export interface DiagnosticsOptions extends DiagnosticsPorts {
  readonly database: Database
  readonly clock: Clock
  readonly log: Log
}

type Kind = 'cpu_profile' | 'heap_snapshot'
type Asked = Pick<AdminInput, 'actor' | 'requestId' | 'signal'>

const USUAL_SECONDS = 10
const BUSY_RETRY_MS = 5_000
const SHORT_RETRY_MS = 60_000
/** A snapshot is built beside the heap, and its text is longer than what it tells of. */
const MEMORY_PER_HEAP = 1.5
const DISK_PER_HEAP = 3

/** Looks into this process while it runs: one look at a time, each in the audit before it begins. */
export const createDiagnostics = (options: DiagnosticsOptions) => {
  const { database, clock, log, settings } = options
  let running: { readonly kind: Kind; readonly since: number } | null = null
  let end: () => void = () => {}
  const enough = new Promise<void>((resolve) => {
    end = resolve
  })

  const enter = (kind: Kind): (() => void) => {
    if (running !== null)
      throw new AppError('diagnostics_busy', { params: { running: running.kind }, retryAfterMs: BUSY_RETRY_MS })
    const own = { kind, since: clock.monotonic() }
    running = own
    return () => {
      if (running === own) running = null
    }
  }
  const record = (action: string, after: object, reason: string | undefined, { actor, requestId }: Asked) =>
    database
      .transaction('system', (transaction) =>
        options.record(transaction, {
          actor,
          action,
          resource: 'process',
          after,
          requestId,
          ...(reason !== undefined && { reason }),
        }),
      )
      .catch((cause: unknown) => {
        throw isConnectionFault(cause) ? new AppError('database_unavailable', { retryAfterMs: 1_000, cause }) : cause
      })
  const nameOf = (suffix: string): string =>
    `headgate-${process.pid}-${new Date(clock.now()).toISOString().replaceAll(/[:.]/g, '-')}.${suffix}`

  const cpuProfile = async (wish: CpuProfileRequest, asked: Asked): Promise<Download> => {
    const { mostProfileSeconds } = settings()
    if (mostProfileSeconds === 0)
      throw new AppError('diagnostics_disabled', { params: { option: 'diagnostics.cpu_profile_seconds' } })
    const { seconds = Math.min(USUAL_SECONDS, mostProfileSeconds), interval_us = samplingMicroseconds.usual } = wish
    if (seconds > mostProfileSeconds)
      throw new AppError('invalid_parameter', {
        details: [
          {
            location: 'seconds',
            message: `must be at most ${mostProfileSeconds}`,
            fix: 'Look for a shorter time, or raise diagnostics.cpu_profile_seconds.',
          },
        ],
      })
    const release = enter('cpu_profile')
    try {
      await record('cpu_profile.taken', { seconds, interval_us }, wish.reason, asked)
      const intervalMicroseconds = interval_us
      const pieces = await takeCpuProfile(clock, { seconds, intervalMicroseconds, signal: asked.signal, enough })
      if (pieces === null) throw new AppError('client_closed_request')
      return { name: nameOf('cpuprofile'), pieces, release }
    } catch (fault) {
      release()
      throw fault
    }
  }

  /** @throws AppError `diagnostics_no_room`. */
  const assertRoom = async (heapBytes: number): Promise<void> => {
    const memory = options.memoryLeft()
    const disk = await roomIn(options.folder)
    const missing = memory < heapBytes * MEMORY_PER_HEAP ? 'memory' : disk < heapBytes * DISK_PER_HEAP ? 'disk' : null
    if (missing === null) return
    const params = { missing, heap_bytes: heapBytes, memory_left_bytes: Math.max(0, Math.floor(memory)) }
    throw new AppError('diagnostics_no_room', { params, retryAfterMs: SHORT_RETRY_MS })
  }

  const heapSnapshot = async ({ reason }: HeapSnapshotRequest, asked: Asked): Promise<Download> => {
    if (!settings().heapSnapshot)
      throw new AppError('diagnostics_disabled', { params: { option: 'diagnostics.heap_snapshot' } })
    const release = enter('heap_snapshot')
    try {
      const { heap_used_bytes } = options.read().memory
      await assertRoom(heap_used_bytes)
      await record('heap_snapshot.taken', { heap_used_bytes }, reason, asked)
      log.warn(
        { component: 'house', id: asked.requestId },
        'A snapshot of the heap is taken: the process stands still meanwhile',
      )
      const begun = clock.monotonic()
      const file = await writeHeapFile(options.folder)
      log.info(
        { component: 'house', id: asked.requestId, duration_ms: Math.round(clock.monotonic() - begun) },
        'The snapshot of the heap is taken',
      )
      return {
        name: nameOf('heapsnapshot'),
        bytes: file.bytes,
        pieces: file.chunks(),
        release: () => {
          release()
          file.close().catch((error: Error) => log.debug({ component: 'house', error }, 'A file was not closed'))
        },
      }
    } catch (fault) {
      release()
      throw fault
    }
  }

  const feature: Feature = {
    name: 'diagnostics',
    routes: diagnosticsRoutes({
      show: () => ({
        object: 'diagnostics',
        ...options.read(),
        running: running && { kind: running.kind, since_seconds: (clock.monotonic() - running.since) / 1_000 },
      }),
      cpuProfile,
      heapSnapshot,
    }),
    start: () => clearHeapFiles(options.folder),
  }
  return {
    ...feature,
    /** Ends a profile under way with what it has seen: the process is about to go. */
    end,
  }
}
