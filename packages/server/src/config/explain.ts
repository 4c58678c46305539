import type { ConfigFault } from './faults.ts'
import { type ConfigInput, type Sources, gather } from './gather.ts'
import type { Source } from './layers.ts'
import { type Node, holdsSecret, isLive, nodeAt, options, pathKey, printPath, root } from './options.ts'

/** One option in effect. `value` is text fit to print: a secret, and whatever `${…}` brought in, is `***`. */
export type ExplainedOption = {
  option: string
  value: string
  source: Source
  where: string
  /** Whether a reload changes it; else the next start does. */
  reload: boolean
  /** The name that sets it from the environment; absent inside maps of named entries. */
  environment?: string
  description?: string
}

/** Everything wrong with the configuration, without making or changing anything. */
export const checkConfig = async (
  input: ConfigInput = {},
): Promise<{ ok: boolean; faults: readonly ConfigFault[] }> => {
  const { faults } = await gather(input)
  return { ok: faults.length === 0, faults }
}

const printValue = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Values as they may be printed, in the order of the schema. */
export const explainSources = (sources: Sources): readonly ExplainedOption[] => {
  const order = Object.keys(root.properties ?? {})
  const variables = new Map(options.map((option) => [pathKey(option.path), option.environment]))
  const explained = sources
    .filter(({ path, value }) => nodeAt(path)?.type !== 'object' || typeof value !== 'object')
    .map(({ path, value, text, source, where, interpolated }): ExplainedOption => {
      const node = nodeAt(path)
      // An unknown key may be a misspelt secret.
      const hidden = node === undefined || holdsSecret(node) || interpolated === true
      const environment = variables.get(pathKey(path))
      return {
        option: printPath(path),
        value: hidden ? '***' : (text ?? printValue(value)),
        source,
        where,
        reload: isLive(path),
        ...(environment === undefined ? {} : { environment }),
        ...(node?.description === undefined ? {} : { description: node.description }),
      }
    })
  const rank = (option: string): number => order.indexOf(option.split('.')[0] ?? '')
  return explained.sort((left, right) => rank(left.option) - rank(right.option))
}

/** Every value in effect and where it came from, faulty ones among them. */
export const explainConfig = async (
  input: ConfigInput = {},
): Promise<{ options: readonly ExplainedOption[]; faults: readonly ConfigFault[] }> => {
  const { faults, leaves } = await gather(input)
  return { options: explainSources([...leaves.values()]), faults }
}

type JsonSchema = { [keyword: string]: unknown }

/** One node as editors understand it: interpolation allowed where a text is not, nothing required, own keywords left out. */
const publish = (node: Node, path: readonly string[]): JsonSchema => {
  const described: JsonSchema = node.description === undefined ? {} : { description: node.description }
  const variable = options.find((option) => pathKey(option.path) === pathKey(path))?.environment
  if (variable !== undefined) described['description'] = `${node.description ?? ''} Environment: ${variable}.`.trim()
  if (node.default !== undefined) described['default'] = node.default
  if (node.properties !== undefined || node.patternProperties !== undefined) {
    const removable = node['x-removable'] === true
    const inner = (children: Record<string, Node> | undefined, named: boolean): JsonSchema | undefined =>
      children &&
      Object.fromEntries(
        Object.entries(children).map(([name, child]) => {
          const schema = publish(child, named ? [...path, '*'] : [...path, name])
          return [name, named && removable ? { anyOf: [{ const: false }, schema] } : schema]
        }),
      )
    const properties = inner(node.properties, false)
    const patternProperties = inner(node.patternProperties, true)
    return {
      ...described,
      type: ['object', 'null'],
      additionalProperties: false,
      ...(properties && { properties }),
      ...(patternProperties && { patternProperties }),
    }
  }
  const interpolation = { type: 'string', pattern: '\\$\\{' }
  if (node['x-money']) return { ...described, type: ['string', 'number'] }
  if (node.enum !== undefined) return { ...described, anyOf: [{ enum: node.enum }, interpolation] }
  if (node.type === 'array') {
    return { ...described, anyOf: [{ type: 'array', items: { type: 'string' } }, interpolation] }
  }
  if (node.type === 'integer' || node.type === 'number') {
    return { ...described, anyOf: [{ type: node.type, minimum: node.minimum, maximum: node.maximum }, interpolation] }
  }
  return node.type === 'boolean'
    ? { ...described, anyOf: [{ type: 'boolean' }, interpolation] }
    : { ...described, type: 'string' }
}

/** JSON Schema (2020-12) of `headgate.yaml`, for editors. */
export const configJsonSchema = (): JsonSchema => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'headgate.yaml',
  ...publish(root, []),
})
