import type { CancelSignal } from '../../kernel/cancellation.ts'
import type { Clock } from '../../kernel/clock.ts'
import { AppError } from '../../kernel/errors.ts'

/** Waits so many milliseconds, or until `ended`. @throws AppError `client_closed_request`, or the reason, when the caller leaves. */
export const pauseUntil = (
  clock: Clock,
  milliseconds: number,
  signal: CancelSignal,
  ended: Promise<void> | undefined,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const end = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', leave)
      resolve()
    }
    const leave = (): void => {
      timer.cancel()
      reject(signal.reason instanceof AppError ? signal.reason : new AppError('client_closed_request'))
    }
    const timer = clock.after(milliseconds, end)
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
    void ended?.then(end)
  })
