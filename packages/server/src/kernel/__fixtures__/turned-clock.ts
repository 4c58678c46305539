import type { Clock } from '../clock.ts'

/** A clock that stands still until it is turned; what repeats is called in steps of `stepMs`. */
export const turnedClock = (stepMs: number) => {
  const time = { now: 0 }
  const repeated: { readonly every: number; due: number; readonly callback: () => void; live: boolean }[] = []
  const clock: Clock = {
    now: () => time.now,
    monotonic: () => time.now,
    after: (milliseconds, callback) => {
      const timer = clock.every(milliseconds, () => {
        timer.cancel()
        callback()
      })
      return timer
    },
    every: (every, callback) => {
      const entry = { every, due: time.now + every, callback, live: true }
      repeated.push(entry)
      return {
        cancel: () => {
          entry.live = false
        },
      }
    },
  }
  /** Lets time pass, each step `late` milliseconds longer than it should be. */
  const turn = (milliseconds: number, late = 0): void => {
    for (let left = milliseconds; left > 0; left -= stepMs) {
      time.now += stepMs + late
      for (const entry of repeated) {
        if (!entry.live || entry.due > time.now) continue
        entry.due = time.now + entry.every
        entry.callback()
      }
    }
  }
  return { clock, turn }
}
