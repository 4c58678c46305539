import type { Clock } from '../../kernel/clock.ts'

export const pauseFor = (clock: Clock, milliseconds: number): Promise<void> =>
  new Promise((resolve) => void clock.after(milliseconds, resolve))
