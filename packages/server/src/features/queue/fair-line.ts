/** The calls of one caller that wait, oldest first. */
interface Flow<Item> {
  readonly name: string
  weight: number
  /** Calls that it may still send in this visit. */
  deficit: number
  readonly items: Set<Item>
}

/** A line in which each caller has a lane of its own. */
export interface FairLine<Item> {
  size(): number
  push(flow: string, weight: number, item: Item): void
  /** Takes out the item whose turn it is. */
  next(): Item | undefined
  /** Takes out an item that does not wait any longer. */
  remove(flow: string, item: Item): void
  /** Calls that are served before one that this caller adds now. */
  ahead(flow: string, weight: number): number
  /** Takes out the newest item of the caller with most waiting for its weight, where that is more than the named one would have. */
  displace(flow: string, weight: number): Item | undefined
  /** Takes out all. */
  clear(): Item[]
}

/**
 * Deficit round robin (Shreedhar and Varghese, SIGCOMM 1995) over callers, each call at a cost of one: in each round a caller
 * sends as many calls as its weight says. A caller with little to send waits for a round, however much the others have.
 */
export const createFairLine = <Item>(): FairLine<Item> => {
  /** In the order of their turns. */
  const flows = new Map<string, Flow<Item>>()
  let size = 0
  let weights = 0

  const take = (flow: Flow<Item>, item: Item): void => {
    if (!flow.items.delete(item)) return
    size -= 1
    if (flow.items.size > 0) return
    flows.delete(flow.name)
    weights -= flow.weight
  }

  return {
    size: () => size,
    push: (name, weight, item) => {
      let flow = flows.get(name)
      if (flow === undefined) {
        flow = { name, weight, deficit: 0, items: new Set() }
        flows.set(name, flow)
        weights += weight
      }
      flow.items.add(item)
      size += 1
    },
    next: () => {
      for (const flow of flows.values()) {
        if (flow.deficit < 1) flow.deficit += flow.weight
        const [item] = flow.items
        flow.deficit -= 1
        take(flow, item as Item)
        if (flow.deficit < 1 && flow.items.size > 0) {
          flows.delete(flow.name)
          flows.set(flow.name, flow)
        }
        return item
      }
      return undefined
    },
    remove: (name, item) => {
      const flow = flows.get(name)
      if (flow !== undefined) take(flow, item)
    },
    ahead: (name, weight) => {
      const flow = flows.get(name)
      const others = weights - (flow?.weight ?? 0)
      const own = flow?.items.size ?? 0
      const rounds = Math.ceil((own + 1) / weight)
      return Math.min(size, own + rounds * others)
    },
    displace: (name, weight) => {
      let most = ((flows.get(name)?.items.size ?? 0) + 1) / weight
      let fattest: Flow<Item> | undefined
      for (const flow of flows.values()) {
        const load = flow.items.size / flow.weight
        if (load <= most || flow.name === name) continue
        most = load
        fattest = flow
      }
      if (fattest === undefined) return undefined
      const newest = [...fattest.items].at(-1) as Item
      take(fattest, newest)
      return newest
    },
    clear: () => {
      const all = [...flows.values()].flatMap(({ items }) => [...items])
      flows.clear()
      size = 0
      weights = 0
      return all
    },
  }
}
