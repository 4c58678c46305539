import type { HealthReport } from '../../kernel/feature.ts'
import type { WarmReport } from './warming.ts'

/** What the status pages ask of the house. */
export interface StatusPorts {
  /** State of each part, by name; answers within a second. */
  readonly parts: () => Promise<Readonly<Record<string, HealthReport>>>
  /** Opens connections and fills caches, unless that was done a moment ago. */
  readonly warm: () => Promise<WarmReport>
  readonly isStarted: () => boolean
  readonly isDraining: () => boolean
  /** Whether the metrics, which tell what is spent, are shown without the admin key. */
  readonly metricsArePublic: boolean
  /** Text for Prometheus, and its content type. */
  readonly exposeMetrics: () => Promise<string>
  readonly metricsContentType: string
}
