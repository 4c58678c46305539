import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void

/** Collects all garbage and gives the memory back; holds the event loop up for tens of milliseconds, more on a large heap. */
export const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as Collect
  setFlagsFromString('--no-expose-gc')
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** Calls back some milliseconds after each full collection of garbage; gives what ends that. */
export const onFullCollection = (callback: () => void): (() => void) => {
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as unknown as readonly {
      readonly detail?: { readonly kind?: number }
    }[])
      if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) return callback()
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}
