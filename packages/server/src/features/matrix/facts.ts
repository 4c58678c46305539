import { type ModelFacts, noFacts, type SourcedFacts } from '../../domain/model-facts.ts'
import { knownModels } from './known-models.ts'

/** The model that simulates others is part of the house, and has its licence. */
const simulated: SourcedFacts = {
  facts: { ...noFacts, tools: true, structuredOutput: true, licence: 'Apache-2.0' },
  sources: [],
}

const nothing: SourcedFacts = { facts: noFacts, sources: [] }

/** Families are looked up by name; names come from callers too, so that only so many are remembered. */
const MOST_REMEMBERED = 5_000
const remembered = new Map<string, SourcedFacts>()

const lookUp = (model: string): SourcedFacts => {
  const name = model.toLowerCase()
  const found = knownModels.find(({ names }) => names.test(name))
  return found === undefined ? nothing : { facts: { ...noFacts, ...found.facts }, sources: found.sources }
}

/** What the house knows of a model by itself, by the name that its provider gives it. */
export const knownFacts = (kind: string | undefined, model: string): SourcedFacts => {
  if (kind === 'demo') return simulated
  const known = remembered.get(model)
  if (known !== undefined) return known
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  const found = lookUp(model)
  remembered.set(model, found)
  return found
}

/** The same with what is configured laid over it; sources of what was laid over are left out. */
export const overlaid = (known: SourcedFacts, configured: Partial<ModelFacts>): SourcedFacts => {
  const said = Object.entries(configured).filter(([, value]) => value !== undefined)
  if (said.length === 0) return known
  const names = new Set(said.map(([name]) => name))
  return {
    facts: { ...known.facts, ...Object.fromEntries(said) },
    sources: known.sources.flatMap((source) => {
      const facts = source.facts.filter((fact) => !names.has(fact))
      return facts.length === 0 ? [] : [{ ...source, facts }]
    }),
  }
}
