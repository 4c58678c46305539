import type { HealthReport } from '../../kernel/feature.ts'

/** What the status pages ask of the house. */
export interface StatusPorts {
  /** State of each part, by name; answers within a second. */
  readonly parts: () => Promise<Readonly<Record<string, HealthReport>>>
  readonly isStarted: () => boolean
  readonly isDraining: () => boolean
  /** Whether the metrics, which tell what is spent, are shown without the admin key. */
  readonly metricsArePublic: boolean
  /** Text for Prometheus, and its content type. */
  readonly exposeMetrics: () => Promise<string>
  readonly metricsContentType: string
}
