import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { canonicalJson, type Json } from './canonical.ts'
import {
  consistencyProof,
  createGrowingTree,
  emptyRoot,
  foldedRoot,
  foldWidth,
  type HashReader,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  rootOf,
} from './merkle.ts'
import { isSignedBy, openCheckpoint, printKey, readKey, readNote, signNote } from './note.ts'

/** A tree in memory, its higher levels folded as they are stored. */
const treeOf = async (leaves: readonly Buffer[]): Promise<HashReader> => {
  const levels = new Map([[0, [...leaves]]])
  const read: HashReader = async (level, from, count) => (levels.get(level) ?? []).slice(from, from + count)
  for (let level = 1, width: number = foldWidth; width <= leaves.length; level += 1, width *= foldWidth) {
    const folded: Buffer[] = []
    for (let index = 0; index < Math.floor(leaves.length / width); index += 1)
      folded.push(await foldedRoot(read, level, index))
    levels.set(level, folded)
  }
  return read
}
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const hex = (hashes: readonly Buffer[]): string[] => hashes.map((hash) => hash.toString('hex'))

/** The tree of Certificate Transparency’s own tests: github.com/transparency-dev/merkle, testonly/constants.go. */
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const roots = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const inclusions: readonly [leaf: number, size: number, path: readonly string[]][] = [
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
]
const consistencies: readonly [former: number, size: number, proof: readonly string[]][] = [
  [1, 1, []],
  [
    1,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    6,
    8,
    [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [
    2,
    5,
    [
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
]

describe('the tree of RFC 6962', () => {
  const leaves = inputs.map((input) => leafHash(bytes(input)))

  it('has the published roots, paths and proofs', async () => {
    const read = await treeOf(leaves)
    expect(emptyRoot.toString('hex')).toBe(roots[0])
    for (let size = 0; size <= leaves.length; size += 1)
      expect((await rootOf(read, 0, size)).toString('hex')).toBe(roots[size])
    for (const [leaf, size, path] of inclusions) expect(hex(await inclusionProof(read, leaf, size))).toEqual(path)
    for (const [former, size, proof] of consistencies)
      expect(hex(await consistencyProof(read, former, size))).toEqual(proof)
  })

  it('proves every leaf and every beginning, and nothing else, across stored levels', async () => {
    const many = Array.from({ length: 530 }, (_, index) => leafHash(Buffer.from(`entry ${index}`)))
    const read = await treeOf(many)
    const growing = createGrowingTree()
    const grown = [growing.root()]
    for (const leaf of many) {
      growing.append(leaf)
      grown.push(growing.root())
    }
    for (const size of [1, 2, 3, 7, 255, 256, 257, 300, 511, 512, 513, 530]) {
      const root = grown[size] as Buffer
      expect(await rootOf(read, 0, size)).toEqual(root)
      for (const index of new Set([0, 1, 2, 100, 254, 255, 256, 257, 511, 512, size - 2, size - 1])) {
        if (index < 0 || index >= size) continue
        const path = await inclusionProof(read, index, size)
        const claim = { index, size, leaf: many[index] as Buffer, root }
        expect(isIncluded(claim, path)).toBe(true)
        expect(isIncluded({ ...claim, leaf: leafHash(Buffer.from('another')) }, path)).toBe(false)
        if (size > 1) expect(isIncluded({ ...claim, index: (index + 1) % size }, path)).toBe(false)
        expect(isIncluded(claim, [...path, root])).toBe(false)
      }
      for (const former of [1, 2, 3, 128, 255, 256, 257, 400, 512]) {
        if (former > size) continue
        const proof = await consistencyProof(read, former, size)
        const claim = { former, size, formerRoot: grown[former] as Buffer, root }
        expect(isConsistent(claim, proof)).toBe(true)
        expect(isConsistent({ ...claim, formerRoot: grown[former - 1] as Buffer }, proof)).toBe(false)
        expect(isConsistent(claim, [...proof, root])).toBe(false)
      }
    }
  })
})

describe('signed notes', () => {
  // The key and the note of Go’s own package: golang.org/x/mod/sumdb/note, note_test.go.
  const key = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  const seed = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1)
  const secret = createPrivateKey({
    key: Buffer.concat([bytes('302e020100300506032b657004220420'), seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
  const note = `${text}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`

  it('are those of Go', () => {
    const read = readKey(key) as NonNullable<ReturnType<typeof readKey>>
    expect(printKey(read)).toBe(key)
    expect(signNote(text, read, secret.export({ type: 'pkcs8', format: 'pem' }) as string)).toBe(note)
    const [signature] = readNote(note)?.signatures ?? []
    expect(isSignedBy(read, text, signature as NonNullable<typeof signature>)).toBe(true)
    expect(isSignedBy(read, `${text}x\n`, signature as NonNullable<typeof signature>)).toBe(false)
  })

  it.each([
    key.replace('c74f20a3', 'c74f20a4'),
    key.replace('PeterNeumann', 'Peter Neumann'),
    key.slice(0, -4),
    key.replace('+ARpc', '+AhRc'),
    '',
  ])('are signed by no key such as %s', (broken) => {
    expect(readKey(broken)).toBeNull()
  })

  it('are no checkpoints by being signed', () => {
    expect(openCheckpoint(note, [readKey(key) as NonNullable<ReturnType<typeof readKey>>])).toBeNull()
  })

  it('hold cosignatures of witnesses, with their time (c2sp.org/tlog-cosignature)', () => {
    const body = 'example.com/log\n1\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n'
    const publicKey = createPublicKey(secret).export({ type: 'spki', format: 'der' }).subarray(-32)
    const witness = { name: 'witness.example/w1', kind: 0x04, key: publicKey }
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(1_679_315_147n)
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime 1679315147\n${body}`), secret)
    const one = { name: witness.name, id: printKey(witness).split('+')[1] as string, line: '' }
    expect(isSignedBy(witness, body, { ...one, signature: Buffer.concat([time, signature]) })).toBe(true)
    time.writeBigUInt64BE(1_679_315_148n)
    expect(isSignedBy(witness, body, { ...one, signature: Buffer.concat([time, signature]) })).toBe(false)
  })
})

describe('canonical JSON', () => {
  // RFC 8785, 3.2.2 and 3.2.3.
  it.each([
    [
      String.raw`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001], "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`,
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    ],
    [
      String.raw`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    ],
    ['{"zero": -0, "b": {"d": 1, "c": []}}', '{"b":{"c":[],"d":1},"zero":0}'],
  ])('of %s', (given, canonical) => {
    expect(canonicalJson(JSON.parse(given) as Json)).toBe(canonical)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { '\udc00': 1 }])('refuses what is no JSON', (value) => {
    expect(() => canonicalJson(value as Json)).toThrow(TypeError)
  })
})
