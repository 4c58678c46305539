import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'

/**
 * Waits so many milliseconds, or until `ended`, whose value it gives; null where the time was over first.
 * @throws AppError `client_closed_request`, or the reason, when the caller leaves.
 */
export const pause = <Value>(
  clock: Clock,
  milliseconds: number,
  signal: CancelSignal,
  ended: Promise<Value> | undefined,
): Promise<Value | null> =>
  new Promise((resolve, reject) => {
    const end = (value: Value | null): void => {
      timer.cancel()
      signal.removeEventListener('abort', leave)
      resolve(value)
    }
    const leave = (): void => {
      timer.cancel()
      reject(signal.reason instanceof AppError ? signal.reason : new AppError('client_closed_request'))
    }
    const timer = clock.after(milliseconds, () => end(null))
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
    void ended?.then(end)
  })
