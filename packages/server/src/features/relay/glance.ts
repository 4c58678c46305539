/** Something the reader gets: text, reasoning, a refusal or arguments of a tool call. */
export const hasPart = 1
/** A top-level `usage` that is not null. */
export const hasUsage = 2
/** A top-level `error` that is not null. */
export const hasError = 4
/** At least one choice. */
export const hasChoices = 8

const quote = 34
const comma = 44
const colon = 58
const openBracket = 91
const backslash = 92
const closeBracket = 93
const openBrace = 123
const closeBrace = 125
const letterN = 110
/** Strings beyond this length are searched by native code. */
const longString = 64

const name = (text: string) => Buffer.from(text, 'latin1')
const choicesName = name('choices')
const usageName = name('usage')
const errorName = name('error')
const deltaName = name('delta')
const textNames = ['content', 'reasoning_content', 'reasoning', 'refusal'].map(name)
const toolNames = ['tool_calls', 'function_call'].map(name)
const argumentsName = name('arguments')
const innerTextName = name('text')

/** Takes the text of the parts: the inside of a JSON string literal, escapes and all. */
export interface TextSink {
  append(bytes: Buffer, start: number, end: number): void
}

/**
 * What the JSON of one chunk of a chat stream holds, told by a walk over its bytes that builds nothing. Exact for JSON
 * without doubled or escaped member names; broken JSON counts as nothing.
 */
export type Glance = (bytes: Buffer, start: number, end: number, text: TextSink) => number

const nothing = Buffer.alloc(0)
const nowhere: TextSink = { append: () => {} }

/** A walker; one serves any number of streams, since a glance never waits. The text of the parts goes to `text`. */
export const createGlance = (): Glance => {
  let json: Buffer = nothing
  let text = nowhere
  let at = 0
  let end = 0
  let found = 0
  let keyStart = 0
  let keyEnd = 0

  const skipSpace = (): void => {
    while (at < end && (json[at] as number) <= 32) at += 1
  }

  /** From an opening quote to behind the closing one. */
  const skipString = (): void => {
    at += 1
    const near = at + longString
    while (at < end) {
      const byte = json[at]
      if (byte === quote) {
        at += 1
        return
      }
      at += byte === backslash ? 2 : 1
      if (at >= near) break
    }
    while (at < end) {
      const close = json.indexOf(quote, at)
      if (close < 0 || close >= end) break
      let slash = close
      while (slash > at && json[slash - 1] === backslash) slash -= 1
      at = close + 1
      if ((close - slash) % 2 === 0) return
    }
    at = end + 1
  }

  const skipValue = (): void => {
    let depth = 0
    while (at < end) {
      const byte = json[at]
      if (byte === quote) {
        skipString()
        if (depth === 0) return
        continue
      }
      if (byte === openBrace || byte === openBracket) depth += 1
      else if (byte === closeBrace || byte === closeBracket) {
        if (depth === 0) return
        depth -= 1
        if (depth === 0) {
          at += 1
          return
        }
      } else if (byte === comma && depth === 0) return
      at += 1
    }
  }

  const keyIs = (expected: Buffer): boolean => {
    if (keyEnd - keyStart !== expected.length) return false
    for (let index = 0; index < expected.length; index += 1) {
      if (json[keyStart + index] !== expected[index]) return false
    }
    return true
  }

  /** Walks an object; `member` is called with `at` on the value and the key noted, and must leave `at` behind the value. */
  const walkObject = (member: () => void): void => {
    at += 1
    for (;;) {
      skipSpace()
      if (json[at] !== quote) break
      keyStart = at + 1
      skipString()
      keyEnd = at - 1
      skipSpace()
      if (json[at] !== colon) break
      at += 1
      skipSpace()
      member()
      skipSpace()
      if (json[at] !== comma) break
      at += 1
    }
    at = json[at] === closeBrace && at < end ? at + 1 : end + 1
  }

  const walkArray = (item: () => void): void => {
    at += 1
    for (;;) {
      skipSpace()
      if (at >= end || json[at] === closeBracket) break
      item()
      skipSpace()
      if (json[at] !== comma) break
      at += 1
    }
    at = json[at] === closeBracket && at < end ? at + 1 : end + 1
  }

  const takeText = (): void => {
    const start = at + 1
    skipString()
    if (at > end || at - 1 <= start) return
    found |= hasPart
    text.append(json, start, at - 1)
  }

  /** Takes every string named `wanted` inside a value, however deep it lies (depth is bounded by the caller's JSON). */
  const takeNamed = (wanted: Buffer, depth: number): void => {
    const byte = json[at]
    if (depth > 8) skipValue()
    else if (byte === openBracket) walkArray(() => takeNamed(wanted, depth + 1))
    else if (byte === openBrace) {
      walkObject(() => {
        if (json[at] === quote && keyIs(wanted)) takeText()
        else takeNamed(wanted, depth + 1)
      })
    } else skipValue()
  }

  const deltaMember = (): void => {
    if (textNames.some(keyIs)) {
      if (json[at] === quote) takeText()
      else takeNamed(innerTextName, 0)
    } else if (toolNames.some(keyIs)) takeNamed(argumentsName, 0)
    else skipValue()
  }

  const choiceMember = (): void => {
    if (json[at] === openBrace && keyIs(deltaName)) walkObject(deltaMember)
    else skipValue()
  }

  const choice = (): void => {
    found |= hasChoices
    if (json[at] === openBrace) walkObject(choiceMember)
    else skipValue()
  }

  const chunkMember = (): void => {
    const byte = json[at]
    if (byte === openBracket && keyIs(choicesName)) {
      walkArray(choice)
      return
    }
    if (byte !== letterN) {
      if (keyIs(usageName)) found |= hasUsage
      else if (keyIs(errorName)) found |= hasError
    }
    skipValue()
  }

  return (bytes, start, stop, sink) => {
    json = bytes
    text = sink
    at = start
    end = stop
    found = 0
    skipSpace()
    if (json[at] === openBrace) walkObject(chunkMember)
    const whole = at <= end
    json = nothing
    text = nowhere
    return whole ? found : 0
  }
}
