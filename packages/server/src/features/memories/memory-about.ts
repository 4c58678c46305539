import { memoryKinds, type MemoriesAbout, type MemoryKind } from '@headgate/contract/memories.ts'
import type { SourceEntry, StoredMemory } from './memories.ports.ts'
import { ageOf, isStale, type ViewTime } from './memory-views.ts'

const headings: Readonly<Record<MemoryKind, string>> = {
  fact: 'Facts',
  preference: 'Preferences',
  goal: 'Goals',
  event: 'Events',
  relation: 'People and relations',
  note: 'Notes',
}

const named = ({ type, id }: SourceEntry): string => (id === null ? type : `${type} ${id}`)
/** On one line, and no Markdown of its own. */
const plain = (text: string): string => text.replaceAll(/\s/g, ' ').replaceAll(/[\\`*_[\]<>#|]/g, '\\$&')

/** What is known about somebody, of the memories that were made last and how many there are. */
export const tellAbout = (memories: readonly StoredMemory[], total: number, time: ViewTime): MemoriesAbout => {
  const kinds = memoryKinds.flatMap((kind) => {
    const ofKind = memories.filter((memory) => memory.kind === kind)
    if (ofKind.length === 0) return []
    const told = ofKind.map((memory) => ({
      id: memory.id,
      text: memory.text,
      scope: memory.scope,
      confidence: memory.confidence,
      sources: memory.sources.map(named),
      age: ageOf(memory.confirmedAt, time.now),
      is_stale: isStale(memory, time),
    }))
    return [{ kind, memories: told }]
  })
  const lines = kinds.flatMap(({ kind, memories: told }) => [
    `## ${headings[kind]}`,
    '',
    ...told.map(
      ({ text, sources, age, confidence, is_stale: stale }) =>
        `- ${plain(text)} (${plain(sources.join(', '))}; ${age} ago; ${Math.round(confidence * 100)} % sure${stale ? '; may no longer hold' : ''})`,
    ),
    '',
  ])
  const omitted = Math.max(0, total - memories.length)
  const head = total === 0 ? ['Nothing is remembered about you.', ''] : ['# What is remembered about you', '']
  const tail = omitted === 0 ? [] : [`And ${omitted} older ones.`, '']
  return { object: 'memory.about', total, omitted, kinds, text: [...head, ...lines, ...tail].join('\n') }
}
