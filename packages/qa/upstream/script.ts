/** A request whose script or body the upstream does not understand; answered with status 400. */
export class ScriptError extends Error {}

type Reader<Value> = (value: string | undefined, word: string) => Value

interface Word<Value> {
  read: Reader<Value>
  /** `pace`: keeps its effect after `fail-first` is used up; `fault`: does not. */
  sort: 'pace' | 'fault'
  /** Where the word has a meaning; elsewhere it is refused instead of ignored. */
  only?: 'stream' | 'json'
  meaning: string
}

const count: Reader<number> = (value, word) => {
  if (value === undefined || !/^\d{1,12}$/.test(value)) {
    throw new ScriptError(`${word} needs a whole number, as in ${word}=3; got ${JSON.stringify(value ?? '')}`)
  }
  return Number(value)
}
const positive: Reader<number> = (value, word) => {
  const read = count(value, word)
  if (read === 0) throw new ScriptError(`${word} needs a number above 0`)
  return read
}
const flag: Reader<boolean> = (value, word) => {
  if (value === undefined || value === '1') return true
  if (value === '0') return false
  throw new ScriptError(`${word} is a flag: write ${word}, ${word}=1 or ${word}=0`)
}
const text: Reader<string> = (value, word) => {
  if (value === undefined) throw new ScriptError(`${word} needs a value`)
  return value
}
const encodedText: Reader<string> = (value, word) => {
  try {
    return decodeURIComponent(text(value, word))
  } catch {
    throw new ScriptError(`${word} is percent-encoded text; ${JSON.stringify(value)} does not decode`)
  }
}
const status: Reader<number> = (value, word) => {
  const read = count(value, word)
  if (read < 200 || read > 999) throw new ScriptError(`${word} needs an HTTP status from 200 to 999`)
  return read
}
const choice =
  <const Choice extends string>(...choices: Choice[]): Reader<Choice> =>
  (value, word) => {
    const found = choices.find((one) => one === value)
    if (found === undefined) throw new ScriptError(`${word} is one of ${choices.join(', ')}; got ${value ?? 'nothing'}`)
    return found
  }
const list = <const Choice extends string>(...choices: Choice[]): Reader<Choice[]> => {
  const one = choice(...choices)
  return (value, word) =>
    text(value, word)
      .split('+')
      .map((item) => one(item, word))
}
const word = <Value>(
  sort: 'pace' | 'fault',
  read: Reader<Value>,
  meaning: string,
  only?: 'stream' | 'json',
): Word<Value> => (only === undefined ? { sort, read, meaning } : { sort, read, meaning, only })

/** Every word a script may use, with its meaning; the guide's table is checked against it. */
export const vocabulary = {
  delay: word('pace', count, 'ms before the headers'),
  'first-part-delay': word('pace', count, 'ms after the headers before the first event (or the JSON body)'),
  parts: word('pace', count, 'content events (10)'),
  'part-delay': word(
    'pace',
    count,
    'ms before each part after the first; a JSON answer takes as long as its parts would',
  ),
  'part-tokens': word('pace', positive, 'words in each part (1)'),
  utf8: word('pace', flag, 'words of multi-byte characters'),
  drip: word('pace', positive, 'bytes per second of body'),
  'usage-details': word('pace', flag, 'usage with cached_tokens (half the prompt) and reasoning_tokens'),
  'cached-tokens': word('pace', count, 'cached_tokens in the details'),
  'reasoning-tokens': word(
    'pace',
    count,
    'hidden tokens produced before the first part; told as thoughts where the protocol has these',
  ),
  'cache-write-tokens': word('pace', count, 'input written to the cache, in the details'),
  'redacted-thinking': word('pace', flag, 'a redacted thinking block (Messages and Converse)'),
  'stop-reason': word(
    'pace',
    choice(
      'end_turn',
      'max_tokens',
      'stop_sequence',
      'tool_use',
      'pause_turn',
      'refusal',
      'model_context_window_exceeded',
      'guardrail_intervened',
      'SAFETY',
    ),
    'why the answer ends (Messages and Converse; `SAFETY`: Gemini)',
  ),
  'tool-calls': word('pace', positive, 'answer with N parallel tool calls (needs tools in the request)'),
  'ignore-max-tokens': word('pace', flag, 'produce all parts, whatever max_tokens says'),
  size: word('pace', positive, 'JSON answer of at least this many bytes', 'json'),
  'echo-picture': word('pace', flag, 'the picture of an edit or variation comes back as it was sent', 'json'),
  'stall-before-headers': word('fault', flag, 'no byte at all'),
  'stall-after-headers': word('fault', flag, 'headers, then nothing'),
  'stall-at-part': word('fault', count, 'N parts, then nothing', 'stream'),
  'cut-at-part': word('fault', count, 'N parts, then the end without [DONE]', 'stream'),
  'cut-at-byte': word('fault', count, 'N body bytes, then the end'),
  'cut-in-json': word('fault', count, 'N parts and half the JSON of the next', 'stream'),
  'cut-in-character': word('fault', count, 'N parts and the next up to the middle of a UTF-8 character', 'stream'),
  cut: word(
    'fault',
    choice('close', 'end', 'fin'),
    'how a cut ends: close = FIN of a body without length or chunks (default); end = well-formed end of the chunked body; fin = FIN inside the chunked body',
  ),
  'rst-before-headers': word('fault', flag, 'TCP reset instead of headers'),
  'rst-at-part': word('fault', count, 'N parts, then a TCP reset', 'stream'),
  'no-done': word('fault', flag, 'everything but [DONE]', 'stream'),
  'error-at-part': word('fault', count, 'N parts, then an error event and a well-formed end', 'stream'),
  pings: word('fault', positive, 'N `: ping` comments before each part', 'stream'),
  'tool-index': word('fault', choice('interleaved', 'missing', 'repeated'), 'indexes of streamed tool calls', 'stream'),
  malformed: word(
    'fault',
    list(
      'cr',
      'lf',
      'crlf',
      'mixed',
      'bom',
      'multi-line',
      'one-byte',
      'nul',
      'huge-line',
      'no-blank',
      'not-json',
      'no-space',
    ),
    'bytes of the event stream, several joined by +',
    'stream',
  ),
  usage: word(
    'fault',
    choice('missing', 'zero', 'cumulative', 'duplicate', 'null', 'always'),
    'what usage is reported',
  ),
  'content-length': word('fault', choice('long', 'short'), 'a wrong content-length'),
  status: word('fault', status, 'answer with this status'),
  body: word('fault', encodedText, 'body of that answer, percent-encoded (an OpenAI error)'),
  'body-type': word('fault', text, 'its content-type (application/json)'),
  'retry-after': word('fault', text, 'its Retry-After, verbatim'),
  empty: word('fault', flag, 'an answer of no bytes with status 200 (images, audio, moderations)', 'json'),
  html: word('fault', flag, 'an HTML page with status 200'),
  'gzip-bomb': word('fault', positive, 'gzip that inflates to this many bytes'),
  'fail-first': word(
    'fault',
    positive,
    'faults only for the first N requests of this model and script (status=500 if no other fault)',
  ),
  'fail-ms': word('fault', positive, 'faults only for so many ms from the first request of this model and script on'),
} as const

type Vocabulary = typeof vocabulary
/** A word of the vocabulary. */
export type ScriptWord = keyof Vocabulary
type Settings = { [Name in ScriptWord]?: ReturnType<Vocabulary[Name]['read']> }

/** What a request asked the upstream to do. */
export interface Script extends Readonly<Settings> {
  /** The script as text; equal texts share one object. */
  readonly source: string
  /** No word beyond how many parts and words: the fast path. */
  readonly plain: boolean
}

/** Short names for common scripts. */
export const presets: Readonly<Record<string, string>> = {
  slow: 'delay=1000;part-delay=100',
  hang: 'stall-before-headers',
  stall: 'stall-at-part=3',
  truncated: 'cut-at-part=3',
  rst: 'rst-at-part=3',
  down: 'status=500',
  unauthorized: 'status=401',
  'rate-limited': 'status=429;retry-after=1',
  overloaded: 'status=529',
  bomb: 'gzip-bomb=1000000000',
}

const shapeOnly = new Set<string>(['parts', 'part-tokens', 'utf8'])

const isWord = (name: string): name is ScriptWord => Object.hasOwn(vocabulary, name)

const readItems = (source: string): Map<ScriptWord, unknown> => {
  const settings = new Map<ScriptWord, unknown>()
  for (const item of source.split(';')) {
    const trimmed = item.trim()
    if (trimmed === '') continue
    const preset = Object.hasOwn(presets, trimmed) ? presets[trimmed] : undefined
    if (preset !== undefined) {
      for (const [name, value] of readItems(preset)) settings.set(name, value)
      continue
    }
    const at = trimmed.indexOf('=')
    const name = at < 0 ? trimmed : trimmed.slice(0, at)
    if (!isWord(name)) {
      throw new ScriptError(
        `unknown script word ${JSON.stringify(name)}; known: ${[...Object.keys(vocabulary), ...Object.keys(presets)].join(', ')}`,
      )
    }
    settings.set(name, vocabulary[name].read(at < 0 ? undefined : trimmed.slice(at + 1), name))
  }
  return settings
}

const requireCompanions = (settings: Map<ScriptWord, unknown>): void => {
  const needs = (name: ScriptWord, ...companions: ScriptWord[]): void => {
    if (settings.has(name) && !companions.some((one) => settings.has(one))) {
      throw new ScriptError(`${name} has no effect without ${companions.join(' or ')}`)
    }
  }
  needs('body', 'status')
  needs('body-type', 'body')
  needs('retry-after', 'status')
  needs('cut', 'cut-at-part', 'cut-at-byte', 'cut-in-json', 'cut-in-character')
  needs('tool-index', 'tool-calls')
}

const build = (source: string, settings: Map<ScriptWord, unknown>): Script => ({
  source,
  plain: [...settings.keys()].every((name) => shapeOnly.has(name)),
  ...(Object.fromEntries(settings) as Settings),
})

const known = new Map<string, Script>()

/**
 * Reads a script such as `delay=50;cut-at-part=7`.
 * @throws ScriptError on unknown words, unreadable values and words without effect
 */
export const parseScript = (source: string): Script => {
  const remembered = known.get(source)
  if (remembered !== undefined) return remembered
  const settings = readItems(source)
  if (
    settings.has('fail-first') &&
    ![...settings.keys()].some((name) => name !== 'fail-first' && vocabulary[name].sort === 'fault')
  ) {
    settings.set('status', 500)
  }
  requireCompanions(settings)
  const script = build(source, settings)
  if (known.size >= 1000) known.clear()
  known.set(source, script)
  return script
}

/** The same script without its faults: what remains after `fail-first` is used up. */
export const withoutFaults = (script: Script): Script => {
  const source = script.source
    .split(';')
    .map((item) => presets[item.trim()] ?? item)
    .join(';')
    .split(';')
    .filter((item) => {
      const name = item.trim().split('=')[0] ?? ''
      return isWord(name) && vocabulary[name].sort === 'pace'
    })
    .join(';')
  return parseScript(source)
}

/** Splits a model name with a script, `gpt-4o-mini;parts=20`, into its base name and the script's text. */
export const splitModel = (model: string): { base: string; source: string } => {
  const at = model.indexOf(';')
  return at < 0 ? { base: model, source: '' } : { base: model.slice(0, at), source: model.slice(at + 1) }
}

/**
 * Refuses words that mean nothing for this kind of answer, so that a test cannot script nothing by mistake.
 * @throws ScriptError naming the word
 */
export const requireMeaning = (script: Script, kind: 'stream' | 'json'): void => {
  if (script.plain) return
  for (const name of Object.keys(vocabulary) as ScriptWord[]) {
    const entry: Word<unknown> = vocabulary[name]
    if (script[name] !== undefined && entry.only !== undefined && entry.only !== kind) {
      throw new ScriptError(
        `${name} has a meaning only for ${entry.only === 'json' ? 'answers without stream' : 'streams'}`,
      )
    }
  }
}
