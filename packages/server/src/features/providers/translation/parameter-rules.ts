import { invalid, type Losses, unsupported } from './losses.ts'

/** What becomes of a parameter on its way to a provider of another protocol. */
export type Handling = 'translated' | 'left out' | 'refused'

/** One parameter of a chat request, as the reference tells it. */
export interface ParameterRule {
  readonly handling: Handling
  /** Where it goes, or what to do instead. */
  readonly note: string
  /** Values that ask for nothing beyond the default: nothing is lost by leaving these out. null always is one. */
  readonly idle?: (value: unknown) => boolean
}

/** Any of these values. */
export const isOneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value)

/** An object or list without members. */
export const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

/** A parameter that is translated. */
export const to = (note: string): ParameterRule => ({ handling: 'translated', note })
/** A parameter that is left out, and named unless idle. */
export const without = (note: string, idle?: ParameterRule['idle']): ParameterRule => ({
  handling: 'left out',
  note,
  ...(idle && { idle }),
})
/** A parameter that is refused unless idle. */
export const refused = (note: string, idle?: ParameterRule['idle']): ParameterRule => ({
  handling: 'refused',
  note,
  ...(idle && { idle }),
})

/** Members of Headgate’s own. */
const own = new Set(['strict'])

/**
 * Notes every member that does not come across.
 * @throws ProviderFault `unsupported_parameter` for those whose loss would make another answer.
 */
export const sift = (
  body: Readonly<Record<string, unknown>>,
  ruleOf: (name: string) => ParameterRule,
  losses: Losses,
): void => {
  const refusals: { place: string; why: string }[] = []
  for (const [name, value] of Object.entries(body)) {
    if (own.has(name) || value === null) continue
    const rule = ruleOf(name)
    if (rule.handling === 'translated' || rule.idle?.(value) === true) continue
    if (rule.handling === 'refused') refusals.push({ place: name, why: rule.note })
    else losses.note(name, rule.note)
  }
  if (refusals.length > 0) throw unsupported(refusals)
}

/** Whether the caller wants a refusal in place of any loss. @throws ProviderFault `invalid_parameter`. */
export const readStrict = ({ strict }: Readonly<Record<string, unknown>>): boolean => {
  if (strict === undefined || strict === null || typeof strict === 'boolean') return strict === true
  throw invalid('strict', 'must be true or false', 'Write "strict": true.')
}
