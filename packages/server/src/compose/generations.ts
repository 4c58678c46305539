import type { Settings } from '../config/config.ts'
import type { Door } from '../http/standing.ts'
import type { Generation } from './generation.ts'

/** The generations in which calls run. */
export interface Generations {
  /** That of new calls. */
  readonly current: () => Generation
  readonly all: () => readonly Generation[]
  /** Event streams open in any of them. */
  readonly streams: () => number
  /** Puts the first one in its place. */
  readonly begin: (first: Generation) => void
  /**
   * New calls are those of `next` from now on; the one in front is let go with its last call. What it throws, it has undone.
   */
  readonly bringForward: (next: Generation) => void
  /** Lets all go, the current one last. */
  readonly stop: () => Promise<void>
}

/** What a generation brings along for the parts that stay, and for the door. */
interface GenerationsPorts {
  readonly adopt: (settings: Settings) => void
  /** Resolves with the last request of the former door. */
  readonly replace: (door: Door) => Promise<void>
}

/** Keeps the generations: that of new calls stands last, before it those in which calls still run. */
export const createGenerations = ({ adopt, replace }: GenerationsPorts): Generations => {
  const generations: Generation[] = []
  const current = () => generations.at(-1) as Generation
  const remove = (generation: Generation): boolean => {
    const place = generations.indexOf(generation)
    if (place !== -1) generations.splice(place, 1)
    return place !== -1
  }
  return {
    current,
    all: () => generations,
    streams: () => generations.reduce((sum, { events }) => sum + events.count(), 0),
    begin: (first) => void generations.push(first),
    bringForward: (next) => {
      const former = current()
      let emptied: Promise<void>
      try {
        adopt(next.settings)
        emptied = replace(next.door)
      } catch (fault) {
        adopt(former.settings)
        throw fault
      }
      remove(next)
      generations.push(next)
      void emptied.then(async () => {
        // The end of the house may have come first, or the former one may be in front again.
        if (former !== current() && remove(former)) await former.stop()
      })
    },
    stop: async () => {
      for (const generation of generations.splice(0, generations.length - 1)) await generation.stop()
      await current().stop()
    },
  }
}
