import { Type } from 'typebox'

/** Answer of `/livez`. */
export const LivenessSchema = Type.Object(
  { status: Type.Literal('ok') },
  { title: 'Liveness', examples: [{ status: 'ok' }] },
)

/** Answer of `/startupz`. */
export const StartupSchema = Type.Object(
  { status: Type.Enum(['ok', 'starting']) },
  { title: 'Startup', examples: [{ status: 'ok' }] },
)

/** Answer of `/readyz`: the state of this process and of each of its parts. */
export const ReadinessSchema = Type.Object(
  {
    status: Type.Enum(['ok', 'degraded', 'failing', 'draining'], {
      description: '`degraded`: a shared dependency is away, and this process still wants traffic.',
    }),
    parts: Type.Record(Type.String(), Type.Enum(['ok', 'degraded', 'failing'])),
  },
  {
    title: 'Readiness',
    examples: [{ status: 'degraded', parts: { identity: 'ok', ledger: 'degraded', admission: 'ok' } }],
  },
)

/** Answer of `/warmz`: what was warmed, by part. */
export const WarmthSchema = Type.Object(
  {
    status: Type.Enum(['ok', 'partial'], { description: '`partial`: a part could not be reached.' }),
    warmed: Type.Record(
      Type.String(),
      Type.Object({
        state: Type.Enum(['ok', 'failed']),
        count: Type.Integer({ description: 'Connections or caches that stand.' }),
        duration_ms: Type.Integer(),
      }),
    ),
    age_ms: Type.Integer({ description: 'Milliseconds since then; 0: by this call.' }),
  },
  {
    title: 'Warmth',
    examples: [{ status: 'ok', warmed: { database: { state: 'ok', count: 4, duration_ms: 12 } }, age_ms: 0 }],
  },
)
