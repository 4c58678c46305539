import type { Pepper } from './key-secret.ts'
import type { PepperRow } from './peppers.store.ts'

/** The peppers that this process knows: the newest hashes, the others are accepted while they are not retired. */
export const createPeppers = (pepperOf: (generation: number) => Pepper) => {
  let accepted: ReadonlyMap<string, Pepper> = new Map([[pepperOf(1).id, pepperOf(1)]])
  let current = pepperOf(1)
  let seen = '1'

  return {
    pepperOf,
    current: (): Pepper => current,
    /** The pepper by the id beside a hash, where it is accepted. */
    accepted: (id: string): Pepper | undefined => accepted.get(id),
    /** Takes over what stands, the newest first; tells whether it is another than before. */
    take: (rows: readonly PepperRow[]): boolean => {
      const open = rows.filter(({ retired_at: end }) => end === null).map(({ generation }) => generation)
      const next = open.join()
      const [newest] = open
      if (next === seen || newest === undefined) return false
      seen = next
      current = pepperOf(newest)
      accepted = new Map(open.map((generation) => [pepperOf(generation).id, pepperOf(generation)]))
      return true
    },
  }
}
export type Peppers = ReturnType<typeof createPeppers>
