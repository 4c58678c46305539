import { createRandom } from './random.ts'
import { type Breach, Killed, type Machine, stage, type World } from './stage.ts'

interface Event {
  time: number
  order: number
  readonly owner: Machine | null
  readonly label: string
  readonly action: () => void
  cancelled: boolean
}

const before = (one: Event, other: Event): boolean =>
  one.time < other.time || (one.time === other.time && one.order < other.order)

/** A binary heap of events, the earliest at its top. */
const createAgenda = () => {
  const heap: Event[] = []
  return {
    first: () => heap[0],
    push: (event: Event) => {
      let at = heap.push(event) - 1
      while (at > 0) {
        const parent = (at - 1) >> 1
        if (!before(event, heap[parent] as Event)) break
        heap[at] = heap[parent] as Event
        at = parent
      }
      heap[at] = event
    },
    pop: () => {
      const top = heap[0]
      const last = heap.pop() as Event
      if (heap.length === 0) return top
      let at = 0
      for (;;) {
        let child = at * 2 + 1
        if (child >= heap.length) break
        if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child += 1
        if (before(last, heap[child] as Event)) break
        heap[at] = heap[child] as Event
        at = child
      }
      heap[at] = last
      return top
    },
  }
}

/** Node's own: the product's `setImmediate` is an event like any other. */
const realSetImmediate = globalThis.setImmediate
const promisesFollowed = (): Promise<void> => new Promise((resolve) => void realSetImmediate(resolve))

/** Two 32-bit FNV-1a sums side by side: enough to tell histories apart. */
const createDigest = () => {
  let one = 0x811c9dc5
  let other = 0x01000193
  return {
    add: (text: string) => {
      for (let index = 0; index < text.length; index++) {
        const code = text.charCodeAt(index)
        one = Math.imul(one ^ code, 0x01000193)
        other = Math.imul(other ^ code, 0x85ebca6b) ^ (other >>> 13)
      }
    },
    read: () => [one, other].map((part) => (part >>> 0).toString(16).padStart(8, '0')).join(''),
  }
}

/** @param tell given every line of the history. */
export const createWorld = (seed: number, tell: ((line: string) => void) | null): World => {
  const random = createRandom(seed)
  const agenda = createAgenda()
  const digest = createDigest()
  const breaches: Breach[] = []
  let now = 0
  let order = 0
  let events = 0
  let current: Machine | null = null

  const note = (line: string): void => {
    digest.add(line)
    tell?.(`${now.toFixed(3).padStart(11)}  ${(current?.name ?? '').padEnd(4)} ${line}`)
  }

  const breach = (rule: string, what: string): void => {
    breaches.push({ rule, what, at: now })
    note(`BREACH ${rule}: ${what}`)
  }

  const world: World = {
    random,
    time: () => now,
    current: () => current,
    schedule: (owner, delayMs, label, action) => {
      const event: Event = { time: now + Math.max(0, delayMs), order: order++, owner, label, action, cancelled: false }
      agenda.push(event)
      return {
        cancel: () => {
          event.cancelled = true
        },
      }
    },
    note,
    breach,
    breaches,
    events: () => events,
    runUntil: async (time) => {
      for (let event = agenda.first(); event !== undefined && event.time <= time; event = agenda.first()) {
        agenda.pop()
        const { owner } = event
        if (event.cancelled || owner?.isDead()) continue
        if (owner !== null && owner.frozenUntil() > event.time) {
          event.time = owner.frozenUntil()
          event.order = order++
          agenda.push(event)
          continue
        }
        now = event.time
        current = owner
        events++
        digest.add(`${now}${event.label}${owner?.name ?? ''}`)
        try {
          event.action()
        } catch (cause) {
          if (!(cause instanceof Killed)) breach('no error is left over', `${event.label}: ${String(cause)}`)
        }
        await promisesFollowed()
        current = null
      }
      now = Math.max(now, time)
    },
    digest: digest.read,
  }
  return world
}

/** Hands the product's `setImmediate` to the world; once per process. */
export const replaceSetImmediate = (): void => {
  const replaced = (callback: (...values: unknown[]) => void, ...values: unknown[]) => {
    const { world } = stage
    const machine = world?.current() ?? null
    if (world === null || machine === null) return realSetImmediate(callback, ...values)
    return world.schedule(machine, 0, 'immediate', () => callback(...values))
  }
  globalThis.setImmediate = replaced as typeof setImmediate
}
