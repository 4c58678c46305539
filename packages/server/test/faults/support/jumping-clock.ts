import { type Clock, systemClock } from '../../../src/kernel/clock.ts'

/** The system's clock, whose monotonic time a test can put forward; its timers run as ever. */
export const createJumpingClock = (): { clock: Clock; jump: (milliseconds: number) => void } => {
  let ahead = 0
  return {
    clock: { ...systemClock, monotonic: () => systemClock.monotonic() + ahead },
    jump: (milliseconds) => {
      ahead += milliseconds
    },
  }
}
