import type { CallTemplates } from '@headgate/contract/call-templates.ts'
import { refuse } from './provider-input.ts'
import type { ProviderOptions } from './provider-options.ts'

/** What an operator's provider can speak. */
export type StoredKind = 'openai' | 'anthropic' | 'azure' | 'bedrock' | 'gemini' | 'ollama' | 'elevenlabs' | 'http'

/** What only some kinds of providers have, as it is stored and as operators write it. */
export interface StoredSettings {
  readonly voices?: Readonly<Record<string, string>>
  readonly templates?: CallTemplates
  readonly models?: readonly string[]
  readonly fetch_images?: boolean
}

/** What a body says of them; null takes one away. */
export type SettingsInput = { readonly [Name in keyof StoredSettings]: StoredSettings[Name] | null | undefined }

/** What is wrong with templates, beyond their shape. */
export type TemplateProblems = (
  templates: CallTemplates,
) => readonly { readonly path: readonly string[]; readonly problem: string; readonly expected: string }[]

const names = ['voices', 'templates', 'models', 'fetch_images'] as const

/** The settings that a body leaves a provider with. */
export const mergeSettings = (before: StoredSettings, input: SettingsInput): StoredSettings => {
  const merged = names.flatMap((name) => {
    const given = input[name] === undefined ? before[name] : input[name]
    return given === undefined || given === null ? [] : [[name, given] as const]
  })
  return Object.fromEntries(merged)
}

/** @throws AppError `invalid_parameter` where a provider of this kind has no use for one, or lacks one. */
export const checkSettings = (
  kind: StoredKind,
  { voices, templates, models }: StoredSettings,
  problemsOf: TemplateProblems,
): void => {
  if (voices !== undefined && kind !== 'elevenlabs') throw refuse('voices', `is for kind elevenlabs, not ${kind}`)
  if (models !== undefined && kind !== 'http')
    throw refuse('models', `is for kind http, not ${kind}`, 'Other kinds list their models themselves.')
  if (kind !== 'http') {
    if (templates !== undefined) throw refuse('templates', `is for kind http, not ${kind}`)
    return
  }
  if (templates === undefined) throw refuse('templates', 'is required for kind http', 'Say how a call is made.')
  const [first] = problemsOf(templates)
  if (first !== undefined)
    throw refuse(['templates', ...first.path].join('.'), first.problem, `Write ${first.expected}.`)
}

/** The same as the registry takes it. */
export const settingsOptions = ({
  voices,
  templates,
  models,
  fetch_images: fetchImages,
}: StoredSettings): Pick<ProviderOptions, 'voices' | 'templates' | 'models' | 'fetchImages'> => ({
  ...(voices !== undefined && { voices }),
  ...(models !== undefined && { models }),
  ...(fetchImages !== undefined && { fetchImages }),
  ...(templates !== undefined && {
    templates: Object.fromEntries(
      Object.entries(templates).map(([operation, { content_type: contentType = 'application/json', ...rest }]) => [
        operation,
        { ...rest, contentType },
      ]),
    ),
  }),
})
