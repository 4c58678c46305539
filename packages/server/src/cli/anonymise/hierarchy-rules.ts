import { csvItems } from '../../features/anonymise/csv-rows.ts'
import {
  cutHierarchy,
  dateHierarchy,
  datePeriods,
  type Hierarchy,
  maskHierarchy,
  rowHierarchy,
  widthHierarchy,
} from '../../features/anonymise/hierarchy.ts'
import type { YamlNode } from './yaml-reader.ts'

/** Reads a file that a policy names; its path is taken from the policy’s folder. */
export type ReadBeside = (path: string) => Promise<string>

const flat: Hierarchy = { height: 0, generalise: (value) => value }

const rising = (node: YamlNode, values: readonly number[]): void => {
  if (values.some((value, at) => at > 0 && value <= (values[at - 1] as number))) node.fault('has to rise')
}

const cuts = (node: YamlNode): Hierarchy => {
  const levels = node.items().map((level) => {
    const values = level.items().map((cut) => cut.number(-1e15, 1e15))
    if (values.length === 0) level.fault('has to have a cut at least')
    rising(level, values)
    return values
  })
  if (levels.some((level, at) => at > 0 && level.some((cut) => !levels[at - 1]?.includes(cut))))
    node.fault('has to have only cuts of the level before at each level')
  return cutHierarchy(levels)
}

const widths = (node: YamlNode): Hierarchy => {
  const values = node.items().map((width) => width.number(1e-6, 1e15))
  rising(node, values)
  if (values.some((width, at) => at > 0 && !Number.isInteger(width / (values[at - 1] as number))))
    node.fault('has to have multiples: each width of the one before')
  return widthHierarchy(values)
}

const masked = (node: YamlNode): Hierarchy => {
  const members = node.members(['levels', 'masking_char', 'from_end'])
  const character = members.get('masking_char')?.text() ?? '*'
  if ([...character].length !== 1) members.get('masking_char')?.fault('has to be one character')
  const levels = members.get('levels')
  if (levels === undefined) node.fault('needs levels: how long the longest value is')
  return maskHierarchy(levels?.integer(1, 64) ?? 1, character, members.get('from_end')?.flag() ?? true)
}

const dates = (node: YamlNode): Hierarchy => {
  const periods = node.items().map((period) => period.oneOf(datePeriods))
  const places = periods.map((period) => datePeriods.indexOf(period))
  if (places.some((place, at) => at > 0 && place <= (places[at - 1] as number)))
    node.fault('has to go from the shorter period to the longer')
  return dateHierarchy(periods)
}

const tree = (node: YamlNode, rows: readonly (readonly string[])[], places?: readonly YamlNode[]): Hierarchy => {
  const made = rowHierarchy(rows)
  if ('height' in made) return made
  const { row, problem } = made
  if (places === undefined) node.fault(`line ${row + 1} of that file ${problem}`)
  else (places[row] ?? node).fault(problem)
  return flat
}

const fromFile = async (node: YamlNode, readBeside: ReadBeside): Promise<Hierarchy> => {
  const members = node.members(['path', 'delimiter'])
  const path = members.get('path')?.text()
  if (path === undefined) {
    node.fault('needs path')
    return flat
  }
  const delimiter = members.get('delimiter')?.text() ?? ';'
  if ([...delimiter].length !== 1) members.get('delimiter')?.fault('has to be one character')
  try {
    const text = await readBeside(path)
    async function* once() {
      yield text
    }
    const rows: string[][] = []
    // The first line of a hierarchy is a row like others.
    const heading = [...(text.split('\n', 1)[0]?.split(delimiter) ?? [])].map((_, at) => String(at)).join(delimiter)
    async function* headed() {
      yield `${heading}\n`
      yield* once()
    }
    for await (const item of csvItems(headed(), path, delimiter))
      if (item.kind === 'row' && 'cells' in item.row) rows.push(item.row.cells.map((cell) => cell ?? ''))
    return tree(node, rows)
  } catch (cause) {
    node.fault(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`)
    return flat
  }
}

/** Reads what a policy says of a hierarchy: one of the kinds that there are. */
export const readHierarchy = async (node: YamlNode, readBeside: ReadBeside): Promise<Hierarchy> => {
  const members = node.members(['cuts', 'widths', 'mask', 'dates', 'rows', 'file'])
  const [first, ...more] = members
  if (first === undefined || more.length > 0) {
    node.fault('has to have one of cuts, widths, mask, dates, rows, file')
    return flat
  }
  const [kind, held] = first
  if (kind === 'cuts') return cuts(held)
  if (kind === 'widths') return widths(held)
  if (kind === 'mask') return masked(held)
  if (kind === 'dates') return dates(held)
  if (kind === 'file') return fromFile(held, readBeside)
  const places = held.items()
  return tree(
    held,
    places.map((row) => row.items().map((cell) => cell.text())),
    places,
  )
}
