import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Check, Policy, TablePolicy } from '../../features/anonymise/policy.ts'
import type { SensitiveModel } from '../../features/anonymise/privacy-models.ts'
import { AppError } from '../../kernel/errors.ts'
import { readColumnRule, type RuleReader } from './column-rules.ts'
import { type ReadBeside, readHierarchy } from './hierarchy-rules.ts'
import { type PolicyFault, readYaml, type YamlNode } from './yaml-reader.ts'

const tableMembers = ['columns', 'others', 'check'] as const

const readModel = async (node: YamlNode, readBeside: ReadBeside): Promise<SensitiveModel> => {
  const members = node.members(['column', 'model', 'l', 'c', 't', 'hierarchy'])
  const column = members.get('column')?.text() ?? ''
  if (column === '') node.fault('needs column: the sensitive one')
  const modelNode = members.get('model')
  if (modelNode === undefined) node.fault('needs model')
  const model = modelNode?.oneOf(['distinct_l', 'entropy_l', 'recursive_l', 't_closeness'] as const) ?? 'distinct_l'
  const needed = model === 't_closeness' ? ['t'] : model === 'recursive_l' ? ['l', 'c'] : ['l']
  for (const name of needed) if (!members.has(name)) node.fault(`needs ${name}`)
  if (model === 't_closeness') {
    const hierarchy = members.get('hierarchy')
    const tree = hierarchy === undefined ? undefined : await readHierarchy(hierarchy, readBeside)
    return { column, model, t: members.get('t')?.number(0, 1) ?? 0, ...(tree && { tree }) }
  }
  const l = members.get('l')?.number(1, 1_000_000) ?? 1
  return model === 'recursive_l'
    ? { column, model, l, c: members.get('c')?.number(0, 1_000_000) ?? 1 }
    : { column, model, l }
}

const readCheck = async (node: YamlNode, readBeside: ReadBeside): Promise<Check> => {
  const members = node.members(['k', 'quasi', 'sensitive', 'suppression'])
  const k = members.get('k')
  if (k === undefined) node.fault('needs k')
  const models: SensitiveModel[] = []
  for (const model of members.get('sensitive')?.items() ?? []) models.push(await readModel(model, readBeside))
  return {
    k: k?.integer(1, 1_000_000_000) ?? 1,
    models,
    quasi:
      members
        .get('quasi')
        ?.items()
        .map((column) => column.text()) ?? [],
    suppression: members.get('suppression')?.number(0, 1) ?? 0,
  }
}

const readTable = async (node: YamlNode, reader: RuleReader): Promise<TablePolicy> => {
  const checkNode = node.member('check')
  const check = checkNode === undefined ? undefined : await readCheck(checkNode, reader.readBeside)
  const columns = new Map()
  for (const [name, rule] of node.member('columns')?.members() ?? [])
    columns.set(name, await readColumnRule(rule, reader, check !== undefined))
  const hasQuasi = [...columns.values()].some(({ operator }) => operator === 'generalise')
  if (check !== undefined && !hasQuasi && check.quasi.length === 0)
    checkNode?.fault('has no quasi-identifiers: name them in quasi, or generalise a column')
  return {
    columns,
    others: node.member('others')?.oneOf(['refuse', 'keep', 'redact'] as const) ?? 'refuse',
    ...(check && { check }),
  }
}

const readKeys = async (node: YamlNode | undefined, folder: string): Promise<Map<string, Uint8Array>> => {
  const keys = new Map<string, Uint8Array>()
  for (const [name, path] of node?.members() ?? []) {
    try {
      const held = await readFile(resolve(folder, path.text()))
      // The line end that an editor adds is no part of a key.
      keys.set(name, Buffer.from(held.toString('latin1').replace(/\r?\n$/, ''), 'latin1'))
    } catch (cause) {
      path.fault(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  }
  return keys
}

const refuse = (faults: readonly PolicyFault[]): AppError =>
  new AppError('anonymise_policy_invalid', {
    detail: faults
      .map(({ where, option, problem }) => `${where}: ${option} ${problem}`.replace(/: {2}/, ': '))
      .join('\n'),
    details: faults.map(({ where, option, problem }) => ({ location: where, message: `${option} ${problem}`.trim() })),
  })

/**
 * Reads a policy and the files that it names.
 * @throws anonymise_policy_invalid with every fault and its line; an error of the file where it cannot be read.
 */
export const readPolicy = async (path: string): Promise<Policy> => {
  const bytes = await readFile(path)
  const faults: PolicyFault[] = []
  const top = readYaml(bytes.toString('utf8'), path, faults)
  if (top === undefined) throw refuse(faults)
  const members = top.members(['version', 'keys', 'tables', 'other_tables', ...tableMembers])
  const version = members.get('version')
  if (version === undefined) top.fault('needs version: 1')
  else version.integer(1, 1)
  const folder = dirname(path)
  const reader: RuleReader = {
    keys: await readKeys(members.get('keys'), folder),
    readBeside: (name) => readFile(resolve(folder, name), 'utf8'),
  }
  const tables = new Map<string, TablePolicy>()
  for (const [name, table] of members.get('tables')?.members() ?? []) {
    table.members(tableMembers)
    tables.set(name, await readTable(table, reader))
  }
  // One table alone needs no name.
  if (members.has('columns')) tables.set('*', await readTable(top, reader))
  if (tables.size === 0) top.fault('has to have tables or columns')
  const otherTables = members.get('other_tables')?.oneOf(['refuse', 'keep', 'drop'] as const) ?? 'refuse'
  if (faults.length > 0) throw refuse(faults)
  return { tables, otherTables, sha256: createHash('sha256').update(bytes).digest('hex') }
}
