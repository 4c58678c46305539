import { AppError } from '../../kernel/errors.ts'
import { daysOf, shiftDate } from './date-shift.ts'
import { createFakes } from './fakes.ts'
import { createKeyed } from './keyed.ts'
import { decrypt, encrypt, hash, mask } from './operators.ts'
import type { ColumnOperator, ValueOperator } from './policy.ts'
import { createPseudonyms } from './pseudonyms.ts'
import { replaceFindings, type TextFinding } from './text.ts'

/** Finds secrets and what is personal in a text. */
export type FindInText = (text: string) => readonly TextFinding[]

/** A column’s value of the same row, before anything was done with it. */
export type Sibling = (column: string) => unknown

/** Makes another value of one; a null stays null. */
export type ColumnWork = (value: unknown, sibling: Sibling) => unknown

const faulty = (detail: string): AppError => new AppError('anonymise_input_invalid', { detail })

/** What an operator makes of a text; `entity` names what is replaced where the policy gives no value. */
const valueWork = (rule: ValueOperator, entity: string): ((text: string) => string | null) => {
  switch (rule.operator) {
    case 'keep':
      return (text) => text
    case 'redact':
      return () => ''
    case 'replace':
      // As Presidio: without a value, the name of the entity.
      return () => (rule.newValue === undefined || rule.newValue === '' ? `<${entity}>` : rule.newValue)
    case 'mask':
      return (text) => mask(text, rule)
    case 'hash':
      return (text) => hash(text, rule.hashType, rule.key)
    case 'encrypt':
      return (text) => encrypt(text, rule.key)
    case 'decrypt':
      return (text) => {
        const opened = decrypt(text, rule.key)
        if (opened === undefined) throw faulty(`A value of ${entity} was not encrypted by this key.`)
        return opened
      }
    case 'pseudonym':
      return createPseudonyms(createKeyed(rule.key), rule)
    case 'fake':
      return createFakes(createKeyed(rule.key), rule)
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** Offsets of Python count code points; those of this language count units of UTF-16. */
const unitsOf = (text: string): ((offset: number) => number) => {
  if (!/[\ud800-\udfff]/.test(text)) return (offset) => offset
  const starts: number[] = []
  let at = 0
  for (const character of text) {
    starts.push(at)
    at += character.length
  }
  starts.push(at)
  return (offset) => starts[offset] ?? text.length + 1
}

/** Findings as Presidio’s analyzer writes them, as JSON or a text of it. */
const foundElsewhere = (text: string, given: unknown, column: string): readonly TextFinding[] => {
  let list: unknown = given
  if (typeof given === 'string')
    try {
      list = JSON.parse(given === '' ? '[]' : given)
    } catch (cause) {
      throw new AppError('anonymise_input_invalid', { detail: `${column} holds no list of findings.`, cause })
    }
  if (list === null || list === undefined) return []
  if (!Array.isArray(list)) throw faulty(`${column} holds no list of findings.`)
  const units = unitsOf(text)
  return list.map((one: unknown) => {
    const { start, end, score, entity_type: entity } = (one ?? {}) as Readonly<Record<string, unknown>>
    if (!Number.isInteger(start) || !Number.isInteger(end) || typeof entity !== 'string')
      throw faulty(`A finding in ${column} lacks start, end or entity_type.`)
    const [from, to] = [Number(start), Number(end)]
    if (from < 0 || to <= from || units(to) > text.length)
      throw faulty(`A finding in ${column} lies outside of its text: ${from} to ${to}.`)
    return { entity, start: units(from), end: units(to), score: typeof score === 'number' ? score : 1 }
  })
}

const textWork = (rule: Extract<ColumnOperator, { operator: 'text' }>, find: FindInText): ColumnWork => {
  const works = new Map<string, (text: string) => string | null>()
  const operate = (entity: string, found: string): string => {
    let work = works.get(entity)
    if (work === undefined) {
      const named = Object.hasOwn(rule.entities, entity) ? rule.entities[entity] : undefined
      work = valueWork(named ?? rule.otherEntities, entity)
      works.set(entity, work)
    }
    return work(found) ?? ''
  }
  return (value, sibling) => {
    const text = textOf(value)
    const { findings: column } = rule
    const findings = column === undefined ? find(text) : foundElsewhere(text, sibling(column), column)
    return replaceFindings(text, findings, operate)
  }
}

const dateWork = (rule: Extract<ColumnOperator, { operator: 'date_shift' }>, name: string): ColumnWork => {
  const keyed = createKeyed(rule.key)
  return (value, sibling) => {
    const person = sibling(rule.person)
    // Without a person there is nothing that the date must agree with: it goes.
    if (person === null || person === undefined || person === '') return null
    const moved = shiftDate(textOf(value), daysOf(keyed, textOf(person), rule.days))
    if (moved !== undefined) return moved
    if (rule.onInvalid === 'redact') return null
    throw faulty(`${name} is no date as ISO 8601 writes it (2026-01-31).`)
  }
}

/** What is done with one column. A column that is generalised is left as it is here: its level is chosen when all rows are known. */
export const columnWork = (name: string, rule: ColumnOperator, find: FindInText): ColumnWork => {
  if (rule.operator === 'keep' || rule.operator === 'generalise') return (value) => value
  if (rule.operator === 'text') {
    const work = textWork(rule, find)
    return (value, sibling) => (value === null || value === undefined ? value : work(value, sibling))
  }
  if (rule.operator === 'date_shift') {
    const work = dateWork(rule, name)
    return (value, sibling) => (value === null || value === undefined || value === '' ? value : work(value, sibling))
  }
  const work = valueWork(rule, name.toUpperCase())
  return (value) => {
    if (value === null || value === undefined) return value
    // An empty cell tells nothing, and must not begin to look like a value.
    if (value === '' && rule.operator !== 'replace') return value
    return work(textOf(value))
  }
}
