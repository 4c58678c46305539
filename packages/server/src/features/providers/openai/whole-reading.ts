import type { MediaTold } from '../../../domain/media.ts'
import type { Usage } from '../../../domain/usage.ts'

/** What is read of a whole answer. */
export interface WholeReading {
  readonly usage: Usage | null
  readonly media?: MediaTold
  /** Where the body is no JSON. */
  readonly contentType?: string
}
