import { type MemoryLine, MemoryLineSchema } from '@headgate/contract/memories.ts'
import { AppError } from '../../kernel/errors.ts'
import type { BodyStream } from '../../kernel/route.ts'
import type { NewMemory } from './memories.ports.ts'
import { dateOf } from './memory-views.ts'

/** Most lines of one document. */
export const MOST_LINES = 5_000
/** How sure a line is that says nothing of it. */
const HEARSAY = 0.5

const wrong = (line: number, message: string, fix: string): AppError => {
  const location = `line ${line}`
  return new AppError('invalid_parameter', { detail: `${location} ${message}`, details: [{ location, message, fix }] })
}

/** A body as text. @throws AppError `request_too_large` */
const textOf = async (body: BodyStream): Promise<string> => {
  const pieces: Buffer[] = []
  for await (const piece of body.pieces()) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

/** Reads JSON Lines, all of them or none. Blank lines are passed over. @throws AppError `invalid_parameter` that names the line. */
export const readLines = async (
  body: BodyStream,
  newId: (at: number) => string,
  now: number,
): Promise<readonly NewMemory[]> => {
  const lines = (await textOf(body)).split('\n')
  if (lines.length > MOST_LINES + 1)
    throw wrong(MOST_LINES + 1, 'is one too many', `Bring in at most ${MOST_LINES} lines at once.`)
  // Only where something is brought in.
  const { Value } = await import('typebox/value')
  // Lists begin with the last, and so does an export: ids go back in time.
  const memories: NewMemory[] = []
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    let told: unknown
    try {
      told = JSON.parse(line)
    } catch {
      throw wrong(index + 1, 'is no JSON', 'Write one object on each line.')
    }
    if (!Value.Check(MemoryLineSchema, told)) {
      const [first] = Value.Errors(MemoryLineSchema, told)
      throw wrong(
        index + 1,
        `${first?.instancePath ?? ''} ${first?.message ?? 'is none of a memory'}`.trim(),
        'Bring in what was exported, unchanged.',
      )
    }
    memories.push(memoryOf(told as MemoryLine, newId(now - memories.length), now, index + 1))
  }
  return memories
}

const memoryOf = (line: MemoryLine, id: string, now: number, at: number): NewMemory => {
  const text = line.text.trim()
  if (text === '') throw wrong(at, 'has a blank text', 'Write what is to be remembered.')
  const confidence = line.confidence ?? HEARSAY
  const createdAt = (line.created_at ?? Math.floor(now / 1_000)) * 1_000
  const confirmedAt = (line.confirmed_at ?? line.created_at ?? Math.floor(now / 1_000)) * 1_000
  const sources = (line.sources ?? []).map((source) => ({
    type: source.type,
    id: source.id ?? null,
    confidence: source.confidence ?? confidence,
    notedAt: source.noted_at ?? Math.floor(confirmedAt / 1_000),
  }))
  return {
    ...{ id, text, confidence, kind: line.kind ?? 'note', scope: line.scope ?? 'general' },
    sources:
      sources.length > 0
        ? sources
        : [{ type: 'import', id: null, confidence, notedAt: Math.floor(confirmedAt / 1_000) }],
    // None that has not come yet, by which it would never be stale.
    createdAt: new Date(Math.min(createdAt, now)),
    confirmedAt: new Date(Math.min(confirmedAt, now)),
    expiresAt: dateOf(line.expires_at),
  }
}
