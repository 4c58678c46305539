import type { MediaTold } from '../../domain/media.ts'
import type { AppError } from '../../kernel/errors.ts'

/** What a flow of media is, apart from its end. */
export interface MediaFlow {
  /** Takes bytes of the provider. @throws AppError that ends the stream. */
  push(bytes: Buffer): void
  /** The protocol's own end has come. */
  isDone(): boolean
  /** What is wrong with a flow that the provider ended here; null when it is whole. */
  faultAtEnd(): AppError | null
  /** What follows once the call is settled. */
  last(): Buffer | null
  /** What the provider said of it so far. */
  told(): MediaTold
}
