import type { Exchange } from '../../domain/exchange.ts'
import type { StreamSource } from '../../domain/upstream.ts'

/** Whose response it is: of the key, and of the person where one is known. */
export interface ResponseHolder {
  readonly projectId: string
  readonly keyId: string
  readonly user: string | null
}

/** A response as it is told, of which only this matters here. */
export type StoredResponse = Readonly<Record<string, unknown>> & { readonly id: string; readonly status: string }

/** What is kept of one response. */
export interface KeptResponse {
  readonly response: StoredResponse
  /** Items of its own request, without those of the conversation before it. */
  readonly input: readonly unknown[]
}

/** What is needed of streams that outlive their readers; they bear the ids of their responses. */
export interface ResponseStreams {
  /** @throws AppError `streams_unavailable` */
  readonly attach: (id: string, holder: ResponseHolder, after: number) => Promise<StreamSource | 'over' | null>
  /** @throws AppError `streams_unavailable` */
  readonly cancel: (id: string, holder: ResponseHolder) => Promise<{ readonly state: string } | null>
}

/** Keeps one response that is being made. */
export interface ResponseRecord {
  /** Says that it is being made. @throws a database's fault: what cannot be kept is not begun */
  begin(response: StoredResponse): Promise<void>
  /** Keeps what it has come to in the end; false where that could not be done. Never rejects. */
  end(response: StoredResponse): Promise<boolean>
}

/** Who asks. */
export type Asker = Pick<Exchange, 'caller' | 'user'>
