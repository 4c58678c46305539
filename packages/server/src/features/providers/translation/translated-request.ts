import type { InferenceRequest } from '../../../domain/inference.ts'

/** What of a request its translation reads. */
export type TranslatableRequest = Pick<InferenceRequest, 'body' | 'stream' | 'maxOutputTokens' | 'translation'>

/** A request in a provider's words. */
export interface TranslatedRequest {
  readonly body: Buffer
  /** What was left out, for `x-headgate-warning`; null when nothing was. */
  readonly warning: string | null
}
