import type { TSchema } from 'typebox'
import { liveOptions } from './live-options.ts'
import { ConfigSchema } from './schema.ts'

/** What the loader reads of a schema node; TypeBox schemas are plain JSON Schema objects. */
export type Node = {
  type?: string
  enum?: readonly string[]
  items?: Node
  anyOf?: readonly Node[]
  minimum?: number
  maximum?: number
  minLength?: number
  properties?: Record<string, Node>
  required?: readonly string[]
  patternProperties?: Record<string, Node>
  description?: string
  default?: unknown
  'x-environment'?: string
  'x-secret'?: boolean
  'x-path'?: boolean
  'x-money'?: boolean
  'x-removable'?: boolean
  'x-check'?: string
}

/** An option that can be set from the environment and by a flag: a scalar, a list, or a map of named entries (as YAML or JSON text). */
export type Option = { path: readonly string[]; environment: string; flag: string; node: Node }

export const asNode = (schema: TSchema): Node => schema as Node
export const root: Node = asNode(ConfigSchema)

export const recordEntry = (node: Node): { pattern: RegExp; entry: Node } | undefined => {
  const pair = node.patternProperties === undefined ? undefined : Object.entries(node.patternProperties)[0]
  return pair === undefined ? undefined : { pattern: new RegExp(pair[0], 'u'), entry: pair[1] }
}

const childNode = (node: Node, name: string): Node | undefined => {
  if (node.properties !== undefined) return Object.hasOwn(node.properties, name) ? node.properties[name] : undefined
  return recordEntry(node)?.entry ?? node.items
}

/** The schema of the option at a path, or undefined where there is none. */
export const nodeAt = (path: readonly string[]): Node | undefined => {
  let node: Node | undefined = root
  for (const name of path) node = node === undefined ? undefined : childNode(node, name)
  return node
}

const optionsUnder = (node: Node, path: readonly string[]): Option[] => {
  if (node.properties !== undefined) {
    return Object.entries(node.properties).flatMap(([name, child]) => optionsUnder(child, [...path, name]))
  }
  const environment = node['x-environment'] ?? `HEADGATE_${path.join('_').toUpperCase()}`
  return [{ path, environment, flag: path.join('-').replaceAll('_', '-'), node }]
}

/** Every option that has an environment name and a flag, in the order of the schema. */
export const options: readonly Option[] = optionsUnder(root, [])

/** Whether a reload changes the option at this path; what it leaves waits for the next start. */
export const isLive = ([top = '']: readonly string[]): boolean => liveOptions.has(top)

/** Dotted, with names that hold dots or slashes in quotes: `models."up/gpt-4o".price`. */
export const printPath = (path: readonly string[]): string =>
  path.map((name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))).join('.')

/** Paths as map keys. NUL cannot occur in an environment variable and is refused in a file. */
export const pathKey = (path: readonly string[]): string => path.join('\0')

/** Text from the environment, a flag or an interpolation, turned into what the option holds; unfit text is left for validation to name. */
export const coerce = (node: Node | undefined, text: string): unknown => {
  if (node?.anyOf !== undefined) {
    const read = node.anyOf.map((one) => coerce(one, text))
    return read.find((value) => typeof value !== 'string') ?? text.trim()
  }
  if (node?.type === 'integer' && /^[+-]?\d{1,15}$/.test(text.trim())) return Number(text)
  if (node?.type === 'number' && /^[+-]?\d{1,15}(\.\d{1,15})?$/.test(text.trim())) return Number(text)
  if (node?.type === 'boolean' && /^(true|false)$/i.test(text.trim())) return text.trim().toLowerCase() === 'true'
  if (node?.type === 'array')
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
  return text
}

/** Whether an option is a secret, or a map with secrets in it: a text in its place may be one. */
export const holdsSecret = (node: Node): boolean =>
  node['x-secret'] === true ||
  [node.properties, node.patternProperties].some((inner) => Object.values(inner ?? {}).some(holdsSecret))
