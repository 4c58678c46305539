import { LivenessSchema, ReadinessSchema, StartupSchema, WarmthSchema } from '@headgate/contract/health.ts'
import { Type } from 'typebox'
import { defineRoute, type Reply, type Route } from '../../kernel/route.ts'
import type { StatusPorts } from './status.ports.ts'

/**
 * Liveness asks nothing of anybody; readiness turns on faults of this process and on draining alone, because a shared
 * database that is away would otherwise take every replica out at once.
 */
export const statusRoutes = (ports: StatusPorts): Route[] => {
  const metricsText = async (): Promise<Reply> => ({
    kind: 'bytes',
    contentType: ports.metricsContentType,
    bytes: await ports.exposeMetrics(),
  })
  const metrics = defineRoute({
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics for Prometheus; without a key on a loopback address, or with `metrics.public`.',
    access: 'admin',
    permission: 'metrics:read',
    reference: {
      operationId: 'getMetrics',
      tag: 'Status',
      answer: Type.String({ description: 'The Prometheus text format.' }),
      contentType: 'text/plain',
    },
    handle: metricsText,
  })
  return [
    defineRoute({
      method: 'GET',
      path: '/livez',
      summary: 'Whether the process turns over.',
      access: 'public',
      reference: { operationId: 'getLiveness', tag: 'Status', answer: LivenessSchema },
      handle: () => ({ kind: 'json', value: { status: 'ok' } }),
    }),
    defineRoute({
      method: 'GET',
      path: '/readyz',
      summary: 'Whether this process wants traffic, and the state of its parts.',
      access: 'public',
      reference: {
        operationId: 'getReadiness',
        tag: 'Status',
        answer: ReadinessSchema,
        otherAnswers: { 503: { description: 'Draining, or a part of this process fails.', answer: ReadinessSchema } },
      },
      handle: async () => {
        const parts = await ports.parts()
        const has = (wanted: string) => Object.values(parts).some(({ state }) => state === wanted)
        const health = has('failing') ? 'failing' : has('degraded') ? 'degraded' : 'ok'
        const status = ports.isDraining() ? 'draining' : health
        const states = Object.fromEntries(Object.entries(parts).map(([name, { state }]) => [name, state]))
        return {
          kind: 'json',
          status: status === 'ok' || status === 'degraded' ? 200 : 503,
          value: { status, parts: states },
        }
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/startupz',
      summary: 'Whether migrations are done and caches are warm.',
      access: 'public',
      reference: {
        operationId: 'getStartup',
        tag: 'Status',
        answer: StartupSchema,
        otherAnswers: { 503: { description: 'Still starting.', answer: StartupSchema } },
      },
      handle: () =>
        ports.isStarted()
          ? { kind: 'json', value: { status: 'ok' } }
          : { kind: 'json', status: 503, value: { status: 'starting' } },
    }),
    defineRoute({
      method: 'GET',
      path: '/warmz',
      summary: 'Opens connections and fills caches, for hosts that put idle processes to sleep.',
      access: 'public',
      reference: {
        operationId: 'keepWarm',
        tag: 'Status',
        description:
          'To be called on a schedule. Connections to PostgreSQL and to each provider are opened, changes of keys are read. Rounds are 10 seconds apart: a call before that is told of the last one, and how old it is.',
        answer: WarmthSchema,
      },
      handle: async () => {
        const { parts, ageMs } = await ports.warm()
        const isWhole = Object.values(parts).every(({ state }) => state === 'ok')
        const warmed = Object.entries(parts).map(([name, { state, count, durationMs }]) => [
          name,
          { state, count, duration_ms: durationMs },
        ])
        return {
          kind: 'json',
          value: { status: isWhole ? 'ok' : 'partial', warmed: Object.fromEntries(warmed), age_ms: ageMs },
        }
      },
    }),
    ports.metricsArePublic ? { ...metrics, access: 'public', handle: metricsText } : metrics,
  ]
}
