import { fakeKinds } from '../../features/anonymise/fakes.ts'
import { aesKeyBytes, hashTypes } from '../../features/anonymise/operators.ts'
import type { ColumnOperator, ValueOperator } from '../../features/anonymise/policy.ts'
import { pseudonymKinds } from '../../features/anonymise/pseudonyms.ts'
import { type ReadBeside, readHierarchy } from './hierarchy-rules.ts'
import type { YamlNode } from './yaml-reader.ts'

/** Keys of a policy by name; those whose files cannot be read are not among them, and are faults already. */
export type Keys = ReadonlyMap<string, Uint8Array>

/** What column rules are read with. */
export interface RuleReader {
  readonly keys: Keys
  readonly readBeside: ReadBeside
}

const valueOperators = ['keep', 'redact', 'replace', 'mask', 'hash', 'encrypt', 'decrypt', 'pseudonym', 'fake'] as const
const columnOperators = [...valueOperators, 'date_shift', 'generalise', 'text'] as const

const members: Readonly<Record<(typeof columnOperators)[number], readonly string[]>> = {
  keep: [],
  redact: [],
  replace: ['new_value'],
  mask: ['masking_char', 'chars_to_mask', 'from_end'],
  hash: ['hash_type', 'key'],
  encrypt: ['key'],
  decrypt: ['key'],
  pseudonym: ['key', 'kind', 'space', 'prefix', 'keep_domain'],
  fake: ['key', 'kind', 'space', 'unique'],
  date_shift: ['key', 'days', 'person', 'on_invalid'],
  generalise: ['hierarchy', 'level', 'lowest', 'highest'],
  text: ['findings', 'entities', 'other_entities'],
}

const noKey = new Uint8Array(32)
/** Fewest bytes of a key that pseudonyms are made with. */
const fewestBytes = 16

const keyOf = (rule: YamlNode, { keys }: RuleReader, forAes: boolean): Uint8Array => {
  const named = rule.member('key')
  if (named === undefined) {
    rule.fault('needs key: the name of one under keys')
    return noKey
  }
  const key = keys.get(named.text())
  if (key === undefined) {
    named.fault('is no key under keys')
    return noKey
  }
  if (forAes && !aesKeyBytes.includes(key.length))
    named.fault('has to be a key of 128, 192 or 256 bits: 16, 24 or 32 bytes')
  if (!forAes && key.length < fewestBytes) named.fault(`has to be a key of ${fewestBytes} bytes at least`)
  return key
}

const space = (rule: YamlNode, usual: string): string => {
  const node = rule.member('space')
  const name = node?.text() ?? usual
  if (!/^[\w.-]{1,64}$/.test(name)) node?.fault('has to be 1 to 64 letters, digits, dots, hyphens')
  return name
}

const maskRule = (rule: YamlNode): ValueOperator => {
  // As Presidio: all three have to be there.
  for (const name of members.mask) if (rule.member(name) === undefined) rule.fault(`needs ${name}`)
  const character = rule.member('masking_char')?.text() ?? '*'
  if ([...character].length !== 1) rule.member('masking_char')?.fault('has to be one character')
  return {
    operator: 'mask',
    maskingChar: character,
    charsToMask: rule.member('chars_to_mask')?.integer(-1_000_000, 1_000_000) ?? 0,
    fromEnd: rule.member('from_end')?.flag() ?? false,
  }
}

const valueRule = (operator: (typeof valueOperators)[number], rule: YamlNode, reader: RuleReader): ValueOperator => {
  switch (operator) {
    case 'keep':
    case 'redact':
      return { operator }
    case 'replace': {
      const newValue = rule.member('new_value')?.text()
      return { operator, ...(newValue !== undefined && { newValue }) }
    }
    case 'mask':
      return maskRule(rule)
    case 'hash': {
      const key = rule.member('key') === undefined ? undefined : keyOf(rule, reader, false)
      return { operator, hashType: rule.member('hash_type')?.oneOf(hashTypes) ?? 'sha256', ...(key && { key }) }
    }
    case 'encrypt':
    case 'decrypt':
      return { operator, key: keyOf(rule, reader, true) }
    case 'pseudonym': {
      const kind = rule.member('kind')?.oneOf(pseudonymKinds) ?? 'text'
      const prefix = rule.member('prefix')?.text() ?? 'p_'
      if (!/^[A-Za-z0-9_-]{1,20}$/.test(prefix))
        rule.member('prefix')?.fault('has to be 1 to 20 letters, digits, _ or -')
      return {
        operator,
        kind,
        prefix,
        key: keyOf(rule, reader, false),
        space: space(rule, kind),
        keepDomain: rule.member('keep_domain')?.flag() ?? false,
      }
    }
    case 'fake': {
      const kindNode = rule.member('kind')
      if (kindNode === undefined) rule.fault(`needs kind: ${fakeKinds.join(', ')}`)
      const kind = kindNode?.oneOf(fakeKinds) ?? 'name'
      const unique = rule.member('unique')?.flag() ?? false
      return { operator, kind, unique, key: keyOf(rule, reader, false), space: space(rule, kind) }
    }
  }
}

const operatorOf = <T extends keyof typeof members>(rule: YamlNode, known: readonly T[]): T => {
  const node = rule.member('operator')
  if (node === undefined) {
    rule.fault(`needs operator: ${known.join(', ')}`)
    return known[0] as T
  }
  const operator = node.oneOf(known)
  rule.members(['operator', ...members[operator]])
  return operator
}

/** Reads a rule for what was found within a text. */
const entityRule = (rule: YamlNode, reader: RuleReader): ValueOperator =>
  valueRule(operatorOf(rule, valueOperators), rule, reader)

const generaliseRule = async (rule: YamlNode, reader: RuleReader, searched: boolean): Promise<ColumnOperator> => {
  const given = rule.member('hierarchy')
  if (given === undefined) rule.fault('needs hierarchy')
  const hierarchy =
    given === undefined
      ? { height: 0, generalise: (value: string) => value }
      : await readHierarchy(given, reader.readBeside)
  const level = rule.member('level')?.integer(0, hierarchy.height)
  const lowest = level ?? rule.member('lowest')?.integer(0, hierarchy.height) ?? 0
  const highest = level ?? rule.member('highest')?.integer(0, hierarchy.height) ?? hierarchy.height
  if (lowest > highest) rule.fault('has a lowest level above the highest')
  if (!searched && level === undefined) rule.fault('needs level, where the table has no check that finds one')
  return { operator: 'generalise', hierarchy, lowest, highest }
}

/** Reads what a policy does with a column; `searched` says that levels are looked for. */
export const readColumnRule = async (
  rule: YamlNode,
  reader: RuleReader,
  searched: boolean,
): Promise<ColumnOperator> => {
  if (!rule.isMap()) {
    rule.fault('has to be a map with operator')
    return { operator: 'redact' }
  }
  const operator = operatorOf(rule, columnOperators)
  if (operator === 'generalise') return generaliseRule(rule, reader, searched)
  if (operator === 'date_shift') {
    const person = rule.member('person')
    if (person === undefined) rule.fault('needs person: the column that says whose date it is')
    return {
      operator,
      key: keyOf(rule, reader, false),
      days: rule.member('days')?.integer(1, 3_650) ?? 180,
      person: person?.text() ?? '',
      onInvalid: rule.member('on_invalid')?.oneOf(['fail', 'redact'] as const) ?? 'fail',
    }
  }
  if (operator !== 'text') return valueRule(operator, rule, reader)
  const findings = rule.member('findings')?.text()
  const entities = [...(rule.member('entities')?.members() ?? [])]
  const others = rule.member('other_entities')
  return {
    operator,
    ...(findings !== undefined && { findings }),
    entities: Object.fromEntries(entities.map(([name, entity]) => [name, entityRule(entity, reader)])),
    otherEntities: others === undefined ? { operator: 'replace' } : entityRule(others, reader),
  }
}
