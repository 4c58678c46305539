import fc from 'fast-check'
import { oddTexts, oddValues } from './schema-values.ts'

type Path = readonly string[]

const pathsIn = (value: unknown, at: Path = []): Path[] => {
  if (typeof value !== 'object' || value === null) return [at]
  // Bending must not reach into prototypes itself.
  const own = Object.entries(value).filter(([name]) => name !== '__proto__')
  const inner = own.flatMap(([name, child]) => pathsIn(child, [...at, name]))
  return [at, ...inner]
}

type Change = (holder: Record<string, unknown>, name: string) => void

/** A copy of `value` in which `change` was done to the member that `pick` chooses. */
const changed = (value: unknown, pick: number, change: Change): unknown => {
  const root = { value: structuredClone(value) }
  const paths = pathsIn(root.value)
  const path: Path = ['value', ...(paths[pick % paths.length] as Path)]
  let holder = root as unknown as Record<string, unknown>
  for (const step of path.slice(0, -1)) holder = holder[step] as Record<string, unknown>
  change(holder, path.at(-1) as string)
  return root.value
}

/** How a well-formed value is bent: something removed, of another kind, or too much. */
export const bends: fc.Arbitrary<(value: unknown) => unknown> = fc
  .tuple(fc.constantFrom('remove', 'replace', 'add'), fc.nat(200), oddValues, oddTexts)
  .map(
    ([how, pick, odd, name]) =>
      (value: unknown) =>
        changed(value, pick, (holder, at) => {
          const target = holder[at]
          if (how === 'remove') delete holder[at]
          else if (how === 'add' && typeof target === 'object' && target !== null)
            Object.defineProperty(target, name, { value: odd, enumerable: true, configurable: true })
          else holder[at] = odd
        }),
  )

const bytes = (text: string): Buffer => Buffer.from(text)

/** How the text of a body is bent, so that parsers stumble. */
export const textBends: fc.Arbitrary<(text: string) => Buffer> = fc
  .tuple(
    fc.constantFrom(
      'cut',
      'trail',
      'mark',
      'comment',
      'twice',
      'proto',
      'bytes',
      'huge',
      'number',
      'deep',
      'empty',
      'junk',
    ),
    fc.nat(300),
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
  )
  .map(([how, at, junk]) => (text: string): Buffer => {
    const middle = Math.min(at, text.length)
    switch (how) {
      case 'cut':
        return bytes(text.slice(0, middle))
      case 'trail':
        return bytes(`${text}}`)
      case 'mark':
        return bytes(`\ufeff${text}`)
      case 'comment':
        return bytes(`/* */${text}`)
      case 'twice':
        return bytes(text.replace('{', '{"model":"demo","model":"demo","name":"a","name":"b",'))
      case 'proto':
        return bytes(text.replace('{', '{"__proto__":{"polluted":1},'))
      case 'bytes':
        return Buffer.concat([bytes(text.slice(0, middle)), junk, bytes(text.slice(middle))])
      case 'huge':
        return bytes(text + ' '.repeat(300_000))
      case 'number':
        return bytes(text.replace(/:\s*("[^"]*"|\d+)/, ':-1e999'))
      case 'deep':
        return bytes('[{"a":'.repeat(5_000))
      case 'empty':
        return Buffer.alloc(0)
    }
    return Buffer.from(junk)
  })
