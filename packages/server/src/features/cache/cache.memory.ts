import type { Clock } from '../../kernel/clock.ts'
import { type CacheStore, HELD_MS, type Owner, type Place, type Selection } from './cache.ports.ts'

interface Kept {
  readonly project: string
  readonly owner: Owner
  readonly answer: Buffer
  /** Monotonic milliseconds. */
  readonly until: number
}

interface Held {
  readonly project: string
  readonly owner: Owner
  readonly turn: string
  until: number
}

/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 512

/** Answers in the memory of this process, of at most so many bytes; those longest unused go first. */
export const createMemoryCache = (
  clock: Pick<Clock, 'monotonic'>,
  maxBytes: number,
): CacheStore & { readonly bytes: () => number } => {
  const kept = new Map<string, Kept>()
  const held = new Map<string, Held>()
  let bytes = 0
  const idOf = ({ project, lookup }: Place): string => `${project}/${lookup}`
  const remove = (id: string): void => {
    const entry = kept.get(id)
    if (entry === undefined) return
    kept.delete(id)
    bytes -= entry.answer.length + ENTRY_BYTES
  }
  const isMeant = ({ project, keyId, subject }: Selection, one: Pick<Kept, 'project' | 'owner'>): boolean =>
    (project === null || one.project === project) &&
    (keyId === null || one.owner.keyId === keyId) &&
    (subject === null || one.owner.subject === subject)

  return {
    reach: 'process',
    bytes: () => bytes,
    read: async (place) => {
      const id = idOf(place)
      const entry = kept.get(id)
      if (entry === undefined) return null
      if (entry.until <= clock.monotonic()) {
        remove(id)
        return null
      }
      // Used last.
      kept.delete(id)
      kept.set(id, entry)
      return entry.answer
    },
    claim: async (place, turn, owner) => {
      const id = idOf(place)
      const now = clock.monotonic()
      const other = held.get(id)
      if (other !== undefined && other.turn !== turn && other.until > now) return false
      held.set(id, { project: place.project, owner, turn, until: now + HELD_MS })
      return true
    },
    keep: async (place, turn, owner, answer, keepMs) => {
      const id = idOf(place)
      if (held.get(id)?.turn !== turn) return
      held.delete(id)
      remove(id)
      if (answer.length + ENTRY_BYTES > maxBytes) return
      kept.set(id, { project: place.project, owner, answer, until: clock.monotonic() + keepMs })
      bytes += answer.length + ENTRY_BYTES
      for (const oldest of kept.keys()) {
        if (bytes <= maxBytes) break
        remove(oldest)
      }
    },
    release: async (place, turn) => {
      const id = idOf(place)
      if (held.get(id)?.turn === turn) held.delete(id)
    },
    purge: async (selection) => {
      let count = 0
      for (const [id, entry] of kept) {
        if (!isMeant(selection, entry)) continue
        remove(id)
        count += 1
      }
      for (const [id, entry] of held) if (isMeant(selection, entry)) held.delete(id)
      return count
    },
    forget: async () => {
      const now = clock.monotonic()
      for (const [id, { until }] of kept) if (until <= now) remove(id)
      for (const [id, { until }] of held) if (until <= now) held.delete(id)
      return false
    },
    close: async () => {
      kept.clear()
      held.clear()
      bytes = 0
    },
  }
}
