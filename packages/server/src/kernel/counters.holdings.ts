import type { Holding } from './counters.shared-store.ts'

/** The places of concurrency limits that the calls of this replica hold, and which of them the shared store knows nothing of. */
export const createHoldings = () => {
  const byHolder = new Map<string, Map<string, Holding>>()
  /** Taken here while the store was away. */
  const untold = new Set<Holding>()

  return {
    has: ({ holder, key }: Holding): boolean => byHolder.get(holder)?.has(key) ?? false,
    /** Notes a place; false when it is noted already. */
    hold: (holding: Holding, isTold: boolean): boolean => {
      const { holder, key } = holding
      const held = byHolder.get(holder) ?? new Map<string, Holding>()
      if (held.has(key)) return false
      byHolder.set(holder, held.set(key, holding))
      if (!isTold) untold.add(holding)
      return true
    },
    /** Lets a place go; false when none was noted. */
    release: (holder: string, key: string): boolean => {
      const held = byHolder.get(holder)
      const holding = held?.get(key)
      if (held === undefined || holding === undefined) return false
      untold.delete(holding)
      held.delete(key)
      if (held.size === 0) byHolder.delete(holder)
      return true
    },
    all: (): Holding[] => [...byHolder.values()].flatMap((held) => [...held.values()]),
    untold: (): Holding[] => [...untold],
    /** The store knows of them now. */
    told: (holdings: readonly Holding[]): void => {
      for (const holding of holdings) untold.delete(holding)
    },
  }
}
