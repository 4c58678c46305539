import { digits, type Keyed, letters } from './keyed.ts'

/** What a fake value looks like. */
export const fakeKinds = ['first_name', 'last_name', 'name', 'city', 'street', 'company', 'email', 'shape'] as const
export type FakeKind = (typeof fakeKinds)[number]

const consonants = ['b', 'd', 'f', 'g', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'br', 'dr', 'kr']
const vowels = ['a', 'e', 'i', 'o', 'u', 'ai', 'el', 'or']

/** A word that can be said and means nothing: syllables, not names of somebody. */
const word = (bytes: Uint8Array, syllables: number): string => {
  let made = ''
  for (let at = 0; at < syllables; at++)
    made += `${consonants[(bytes[at * 2] as number) % consonants.length]}${vowels[(bytes[at * 2 + 1] as number) % vowels.length]}`
  return made.charAt(0).toUpperCase() + made.slice(1)
}

/** Each letter becomes another letter, each digit another digit; everything else stays, so what a form accepted it accepts again. */
const shaped = (keyed: Keyed, space: string, value: string): string => {
  let block: Buffer = Buffer.alloc(0)
  let used = 0
  let blocks = 0
  const next = (): number => {
    if (used === block.length) {
      block = keyed.bytes(`${space}:${blocks++}`, value)
      used = 0
    }
    return block[used++] as number
  }
  return value.replace(/[0-9]|\p{Lu}|\p{Ll}/gu, (character) => {
    const byte = next()
    if (character >= '0' && character <= '9') return String(byte % 10)
    const letter = String.fromCharCode(97 + (byte % 26))
    return /\p{Lu}/u.test(character) ? letter.toUpperCase() : letter
  })
}

/**
 * Makes fakes: the same value of a space has the same one in every table, so what refers to it still does. Different values may have the same
 * fake; `unique` adds letters of the key against that.
 */
export const createFakes = (
  keyed: Keyed,
  options: { readonly kind: FakeKind; readonly space: string; readonly unique: boolean },
): ((value: string) => string) => {
  const { kind, space, unique } = options
  return (value) => {
    if (kind === 'shape') return shaped(keyed, space, value)
    const bytes = keyed.bytes(space, value)
    const first = word(bytes, 2)
    const last = word(bytes.subarray(6), 3)
    const mark = letters(bytes.subarray(20), 8)
    if (kind === 'email') return `${first}.${last}${unique ? `.${mark}` : ''}@example.invalid`.toLowerCase()
    const plain = {
      first_name: first,
      last_name: last,
      name: `${first} ${last}`,
      city: `${last}ton`,
      street: `${1 + Number(digits(bytes.subarray(12, 20), 2))} ${last} Street`,
      company: `${last} Ltd`,
    }[kind]
    return unique ? `${plain} ${mark}` : plain
  }
}
