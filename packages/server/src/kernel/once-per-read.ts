import type { Read } from './db.ts'

/**
 * Asks a question of the database once in each transaction, however often it is put there: a page of a hundred sealed rows needs the
 * key that all of them have one time. What was not found is asked for again.
 */
export const oncePerRead = <Args extends readonly unknown[], Found>(
  ask: (read: Read, ...args: Args) => Promise<Found | undefined>,
): ((read: Read, ...args: Args) => Promise<Found | undefined>) => {
  const known = new WeakMap<Read, Map<string, Found>>()
  return async (read, ...args) => {
    const answers = known.get(read) ?? new Map<string, Found>()
    known.set(read, answers)
    const name = JSON.stringify(args)
    const before = answers.get(name)
    if (before !== undefined) return before
    const found = await ask(read, ...args)
    if (found !== undefined) answers.set(name, found)
    return found
  }
}
