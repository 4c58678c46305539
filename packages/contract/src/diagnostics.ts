import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const
const whole = (description?: string) => Type.Integer({ minimum: 0, ...(description !== undefined && { description }) })
const orNull = (description: string) => Type.Union([Type.Number(), Type.Null()], { description })
const reason = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 500,
    pattern: '^[^\\u0000-\\u001f\\u007f]*$',
    description: 'Kept in the audit.',
  }),
)

/** Least and most microseconds between two samples of a CPU profile. */
export const samplingMicroseconds = { least: 100, most: 100_000, usual: 1_000 } as const

/** Body of `POST /admin/v1/diagnostics/cpu-profile`. */
export const CpuProfileRequestSchema = Type.Object(
  {
    seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 600,
        description: 'How long it looks; 10 where nothing is said, never more than `diagnostics.cpu_profile_seconds`.',
      }),
    ),
    interval_us: Type.Optional(
      Type.Integer({
        minimum: samplingMicroseconds.least,
        maximum: samplingMicroseconds.most,
        description: 'Microseconds between two samples; 1000 where nothing is said.',
      }),
    ),
    reason,
  },
  { ...closed, title: 'CpuProfileRequest', examples: [{ seconds: 5, reason: 'slow since noon' }] },
)
export type CpuProfileRequest = Static<typeof CpuProfileRequestSchema>

/** Body of `POST /admin/v1/diagnostics/heap-snapshot`. */
export const HeapSnapshotRequestSchema = Type.Object(
  { reason },
  { ...closed, title: 'HeapSnapshotRequest', examples: [{ reason: 'the heap grows' }] },
)
export type HeapSnapshotRequest = Static<typeof HeapSnapshotRequestSchema>

/** How one process stands. */
export const DiagnosticsSchema = Type.Object(
  {
    object: Type.Literal('diagnostics'),
    process: Type.Object({
      pid: whole(),
      version: Type.String({ description: 'Of Headgate.' }),
      node: Type.String({ description: 'Of Node.js.' }),
      uptime_seconds: whole(),
      draining: Type.Boolean(),
    }),
    event_loop: Type.Object({
      delay_ms: Type.Number({ description: 'Lateness, smoothed over half a second.' }),
      utilization_percent: Type.Number({ description: 'Share of the last ten to twenty seconds in which it worked.' }),
    }),
    memory: Type.Object({
      heap_used_bytes: whole('Of the old generation of the heap.'),
      heap_limit_bytes: whole('Where V8 ends the process.'),
      external_bytes: whole('Memory outside of the heap that objects on it hold.'),
      array_buffers_bytes: whole('The part of it that buffers hold.'),
      resident_bytes: whole(),
      counted_bytes: whole('What counts against the limit: of a control group all that live in it.'),
      limit_bytes: whole(),
      limit_source: Type.Enum(['cgroup', 'machine']),
    }),
    guard: Type.Object({
      stage: Type.Enum(['calm', 'shedding', 'relieving']),
      since_seconds: orNull('null while it is calm.'),
      severity: Type.Number({ description: 'From 1 on work is refused, at 2 all of it.' }),
      cause: Type.Enum(['none', 'event loop', 'heap', 'memory']),
      refused: whole('Calls refused by overload since the start.'),
    }),
    heap_trend: Type.Object({
      heap_bytes: orNull('What the last full collection of garbage left; null before the first.'),
      bytes_per_hour: orNull('null while too little was seen.'),
      bytes_per_request: orNull('null while too few requests were answered.'),
      observed_minutes: whole(),
      growing: Type.Boolean({ description: 'Beyond chance, and not flattening.' }),
      suspected: Type.Boolean({ description: 'It has grown for so long that a leak is suspected.' }),
    }),
    work: Type.Object({
      streams: whole('Event streams open to callers.'),
      request_bodies_bytes: whole('Of larger bodies held now.'),
      ledger_queue: whole('Settled rows that PostgreSQL does not have yet.'),
      ledger_holds: whole('Admitted calls that are not settled yet.'),
      providers: Type.Array(
        Type.Object({ provider: Type.String(), in_flight: whole(), limit: whole(), waiting: whole() }),
      ),
    }),
    handles: Type.Record(Type.String(), Type.Integer(), {
      description: 'What keeps the event loop busy, by kind: sockets, timers, files.',
    }),
    running: Type.Union([
      Type.Null(),
      Type.Object({ kind: Type.Enum(['cpu_profile', 'heap_snapshot']), since_seconds: Type.Number() }),
    ]),
  },
  { title: 'Diagnostics' },
)
export type Diagnostics = Static<typeof DiagnosticsSchema>
