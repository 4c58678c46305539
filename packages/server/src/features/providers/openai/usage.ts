import type { Usage } from '../../../domain/usage.ts'
import { readUsage } from '../../../domain/usage-report.ts'

const SEARCHED_BYTES = 16_384

/** The JSON object that starts at `start`, as text, braces matched outside strings; null when it does not end. */
const objectAt = (text: string, start: number): string | null => {
  let depth = 0
  let inString = false
  for (let index = start; index < text.length; index++) {
    const character = text[index]
    if (inString) {
      if (character === '\\') index++
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{') depth++
    else if (character === '}' && --depth === 0) return text.slice(start, index + 1)
  }
  return null
}

/** Usage of an answer too large to be parsed whole: the last `"usage"` object of its tail, else of its head. */
export const findUsage = (body: Buffer): Usage | null => {
  for (const part of [body.subarray(-SEARCHED_BYTES), body.subarray(0, SEARCHED_BYTES)]) {
    const text = part.toString('latin1')
    for (let at = text.lastIndexOf('"usage"'); at >= 0; at = at === 0 ? -1 : text.lastIndexOf('"usage"', at - 1)) {
      const start = /^"usage"\s*:\s*(?=\{)/.exec(text.slice(at, at + 64))
      const found = start === null ? null : objectAt(text, at + start[0].length)
      if (found === null) continue
      try {
        const usage = readUsage(JSON.parse(found))
        if (usage !== null) return usage
      } catch {
        // Text of the answer that looks like the member; the real one is further on.
      }
    }
  }
  return null
}
