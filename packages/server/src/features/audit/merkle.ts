import { createHash } from 'node:crypto'

/** Bytes of a hash. */
export const hashBytes = 32
const leafPrefix = Buffer.from([0])
const nodePrefix = Buffer.from([1])

/** RFC 6962, 2.1: what stands in the tree for an entry. */
export const leafHash = (entry: Uint8Array): Buffer => createHash('sha256').update(leafPrefix).update(entry).digest()
/** RFC 6962, 2.1: what stands above two. */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  createHash('sha256').update(nodePrefix).update(left).update(right).digest()
/** Root of the tree of nothing. */
export const emptyRoot: Buffer = createHash('sha256').digest()

/** Leaves to which a stored level is folded, as in C2SP’s tlog-tiles: 2^8. */
export const foldHeight = 8
export const foldWidth = 2 ** foldHeight

/**
 * Reads hashes of complete subtrees that are stored: of 256^`level` leaves each, `count` of them from `from` on. Level 0 are the leaves.
 */
export type HashReader = (level: number, from: number, count: number) => Promise<readonly Buffer[]>

/** Root over hashes of complete subtrees of one size, whose number is a power of two. */
const folded = (hashes: readonly Buffer[]): Buffer => {
  let level = hashes
  while (level.length > 1)
    level = Array.from({ length: level.length / 2 }, (_, index) =>
      nodeHash(level[2 * index] as Buffer, level[2 * index + 1] as Buffer),
    )
  return level[0] as Buffer
}

/** Root of the complete subtree of 2^`height` leaves that is the `index`-th of its size. */
export const completeRoot = async (read: HashReader, height: number, index: number): Promise<Buffer> => {
  const level = Math.floor(height / foldHeight)
  const count = 2 ** (height - level * foldHeight)
  const hashes = await read(level, index * count, count)
  if (hashes.length !== count) throw new Error('A part of the tree is missing')
  return folded(hashes)
}

/** Root of the complete subtree of 256^`level` leaves over the 256 of the level below it. */
export const foldedRoot = async (read: HashReader, level: number, index: number): Promise<Buffer> => {
  const hashes = await read(level - 1, index * foldWidth, foldWidth)
  if (hashes.length !== foldWidth) throw new Error('A part of the tree is missing')
  return folded(hashes)
}

/** Largest power of two below `size`, as its exponent (RFC 6962, 2.1: k); 0 for 1. Counted, for a logarithm is not exact. */
const splitHeight = (size: number): number => {
  let height = 0
  while (2 ** (height + 1) < size) height += 1
  return height
}
const isPowerOfTwo = (size: number): boolean => size === 1 || 2 ** (splitHeight(size) + 1) === size
/** Of a power of two. */
const heightOf = (size: number): number => (size === 1 ? 0 : splitHeight(size) + 1)

/** Root of the leaves from `start` up to `end`, itself excluded: MTH(D[start:end]) of RFC 6962, 2.1. */
export const rootOf = async (read: HashReader, start: number, end: number): Promise<Buffer> => {
  const size = end - start
  if (size === 0) return emptyRoot
  if (isPowerOfTwo(size) && start % size === 0) return completeRoot(read, heightOf(size), start / size)
  const middle = start + 2 ** splitHeight(size)
  return nodeHash(await rootOf(read, start, middle), await rootOf(read, middle, end))
}

/** The audit path of the leaf `index` in a tree of `size`: PATH of RFC 6962, 2.1.1. */
export const inclusionProof = async (read: HashReader, index: number, size: number): Promise<Buffer[]> => {
  const path = async (leaf: number, start: number, end: number): Promise<Buffer[]> => {
    if (end - start === 1) return []
    const middle = start + 2 ** splitHeight(end - start)
    return leaf < middle
      ? [...(await path(leaf, start, middle)), await rootOf(read, middle, end)]
      : [...(await path(leaf, middle, end)), await rootOf(read, start, middle)]
  }
  return path(index, 0, size)
}

/** That the tree of `former` leaves is the beginning of the tree of `size`: PROOF of RFC 6962, 2.1.2. */
export const consistencyProof = async (read: HashReader, former: number, size: number): Promise<Buffer[]> => {
  const part = async (leaves: number, start: number, end: number, isWhole: boolean): Promise<Buffer[]> => {
    if (leaves === end - start) return isWhole ? [] : [await rootOf(read, start, end)]
    const middle = start + 2 ** splitHeight(end - start)
    return start + leaves <= middle
      ? [...(await part(leaves, start, middle, isWhole)), await rootOf(read, middle, end)]
      : [...(await part(start + leaves - middle, middle, end, false)), await rootOf(read, start, middle)]
  }
  return former === 0 ? [] : part(former, 0, size, true)
}

const isEven = (number: number): boolean => number % 2 === 0
const half = (number: number): number => Math.floor(number / 2)

/** Whether a path leads from a leaf to the root: RFC 9162, 2.1.3.2. */
export const isIncluded = (
  { index, size, leaf, root }: { index: number; size: number; leaf: Buffer; root: Buffer },
  path: readonly Buffer[],
): boolean => {
  if (index < 0 || index >= size) return false
  let [fn, sn, hash] = [index, size - 1, leaf]
  for (const one of path) {
    if (sn === 0) return false
    if (!isEven(fn) || fn === sn) {
      hash = nodeHash(one, hash)
      while (isEven(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else hash = nodeHash(hash, one)
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && hash.equals(root)
}

/** Whether one tree is the beginning of another: RFC 9162, 2.1.4.2. */
export const isConsistent = (
  { former, size, formerRoot, root }: { former: number; size: number; formerRoot: Buffer; root: Buffer },
  proof: readonly Buffer[],
): boolean => {
  if (former === size) return proof.length === 0 && formerRoot.equals(root)
  if (former === 0) return proof.length === 0
  if (former > size || proof.length === 0) return false
  const path = isPowerOfTwo(former) ? [formerRoot, ...proof] : [...proof]
  let [fn, sn] = [former - 1, size - 1]
  while (!isEven(fn)) [fn, sn] = [half(fn), half(sn)]
  let [before, after] = [path[0] as Buffer, path[0] as Buffer]
  for (const one of path.slice(1)) {
    if (sn === 0) return false
    if (!isEven(fn) || fn === sn) {
      before = nodeHash(one, before)
      after = nodeHash(one, after)
      while (isEven(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else after = nodeHash(after, one)
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && before.equals(formerRoot) && after.equals(root)
}

/** A tree that grows leaf by leaf and remembers only the roots of its complete subtrees: some dozens of hashes. */
export const createGrowingTree = () => {
  const peaks: { height: number; hash: Buffer }[] = []
  let size = 0
  return {
    append: (leaf: Buffer): void => {
      let peak = { height: 0, hash: leaf }
      while (peaks.at(-1)?.height === peak.height) {
        const { hash } = peaks.pop() as { hash: Buffer }
        peak = { height: peak.height + 1, hash: nodeHash(hash, peak.hash) }
      }
      peaks.push(peak)
      size += 1
    },
    size: (): number => size,
    root: (): Buffer =>
      peaks.length === 0
        ? emptyRoot
        : peaks.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right)),
  }
}
