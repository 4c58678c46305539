import type { InferenceRequest } from '../../domain/inference.ts'
import { createAutomaton, foldCharacter, type Scan } from '../../kernel/automaton.ts'
import { readPattern } from '../../kernel/linear-pattern.ts'
import { textsOfJson } from './json-texts.ts'

/**
 * Signs of a prompt that speaks to the model over its author's head, as OWASP describes them (LLM01, Prompt Injection Prevention Cheat Sheet):
 * each has a weight, and counts once. They are words, and others can be found; a high score is a hint and no proof, and so is a low one.
 */
const signs: Readonly<Record<string, { readonly weight: number; readonly patterns: readonly string[] }>> = {
  /** Tells to leave what was told before. */
  override: {
    weight: 0.6,
    patterns: [
      '\\b(ignore|disregard|forget|override|bypass|do not follow|don.t follow) .{0,40}(instruction|prompt|rule|direction|guideline|guardrail)s?\\b',
      '\\b(ignoriere?|vergiss|missachte) .{0,40}(anweisung|vorgabe|regel|prompt)',
      '\\b(ignorez?|oublie[zr]?) .{0,40}(instruction|consigne|règle)',
      '\\b(ignora|olvida|descarta) .{0,40}(instruccion|instrucción|regla|indicacion)',
    ],
  },
  /** Asks for what the author told the model. */
  reveal: {
    weight: 0.5,
    patterns: [
      '\\b(reveal|show|print|repeat|output|display|leak|tell|give|recite|summari[sz]e) .{0,40}(system|initial|hidden|developer|original|secret|above) .{0,20}(prompt|instruction|message|rule)s?\\b',
      '\\bwhat (is|are|was|were) your .{0,20}(system|initial|hidden|original) .{0,20}(prompt|instruction)',
    ],
  },
  /** Gives the model another part to play, without its bounds. */
  persona: {
    weight: 0.3,
    patterns: [
      '\\byou are (now|no longer) ',
      '\\bfrom now on,? (you|act|respond|answer)\\b',
      '\\bpretend (to be|that you|you are)\\b',
      '\\bdu bist (jetzt|ab jetzt|nun) ',
    ],
  },
  /** Names of known ways out, and the wish for no bounds. */
  jailbreak: {
    weight: 0.6,
    patterns: [
      '\\bdo anything now\\b',
      '\\b(dan|developer|god|debug|jailbreak) mode\\b',
      '\\bjailbr(eak|oken)',
      '\\bwithout (any )?(restriction|filter|limitation|censorship|guardrail)s?\\b',
      '\\bno (ethical|moral|safety) (guideline|restriction|limit|rule)s?\\b',
    ],
  },
  /** Marks by which models tell who speaks, in a text that is said by one. */
  markers: {
    weight: 0.5,
    patterns: [
      '<\\|(im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)',
      '\\[/?inst\\]',
      '<</?sys>>',
      '#{2,4} ?(system|new instruction)s?:',
    ],
  },
  /** Wants what is said sent elsewhere. */
  exfiltration: {
    weight: 0.4,
    patterns: [
      '\\b(send|post|forward|upload|exfiltrate|transmit) .{0,60}https?://',
      '!\\[.{0,60}\\]\\(https?://.{1,120}[?&].{1,40}=',
    ],
  },
  /** Hides what it says. */
  encoding: {
    weight: 0.2,
    patterns: ['\\b(decode|decipher|translate) .{0,40}(base64|rot13|hex|morse).{0,60}(follow|execute|obey|do)\\b'],
  },
}

/** Every sign holds one of these, so that most texts are walked once and not once for each sign. */
const needed = [
  'instruction|prompt|rule|direction|guideline|guardrail|anweisung|vorgabe|regel|consigne|règle|regla|instruccion|instrucción|indicacion',
  'message|restriction|filter|limit|censorship|do anything now| mode|jailbr',
  'you are (now|no longer)|from now on|pretend|du bist',
  '<\\||inst\\]|sys>|##|http|base64|rot13|hex|morse',
]

/** What a prompt looks like: from 0 to 1, and the signs that were found. */
export interface InjectionScore {
  readonly score: number
  readonly signs: readonly string[]
}

/** Texts of all who speak but the author: messages of the system and the developer are left aside. */
const spokenTexts = (
  { operation, body, members }: InferenceRequest,
  texts: readonly { readonly text: string }[],
): readonly string[] => {
  // Other operations may have a member of that name too, whatever it is.
  const span = operation === 'chat' ? members.get('messages') : undefined
  if (span === undefined) return texts.map(({ text }) => text)
  const messages = JSON.parse(body.toString('utf8', span.start, span.end)) as { role?: string }[]
  return messages
    .filter(({ role }) => role !== 'system' && role !== 'developer')
    .flatMap((message) => {
      const json = Buffer.from(JSON.stringify(message))
      return textsOfJson(json, 0, json.length).texts.map(({ text }) => text)
    })
}

/**
 * Builds the score: one minus the product of what the weights of the signs leave, so that several signs weigh more than one and none passes 1. Each
 * sign is one automaton, so that time is linear in the text.
 */
export const createInjectionScore = () => {
  const found: readonly { readonly name: string; readonly weight: number; readonly begin: () => Scan }[] =
    Object.entries(signs).map(([name, sign]) => ({
      name,
      weight: sign.weight,
      begin: createAutomaton(sign.patterns.map((pattern) => readPattern(pattern, foldCharacter))),
    }))
  const hint = createAutomaton(needed.map((pattern) => readPattern(pattern, foldCharacter)))
  return (request: InferenceRequest, texts: readonly { readonly text: string }[]): InjectionScore => {
    if (!texts.some(({ text }) => hint().feed(text) !== -1)) return { score: 0, signs: [] }
    const spoken = spokenTexts(request, texts)
    const shown = found.filter(({ begin }) =>
      spoken.some((text) => {
        const scan = begin()
        return scan.feed(text) !== -1 || scan.end() !== -1
      }),
    )
    const left = shown.reduce((rest, { weight }) => rest * (1 - weight), 1)
    return { score: Math.round((1 - left) * 100) / 100, signs: shown.map(({ name }) => name) }
  }
}
