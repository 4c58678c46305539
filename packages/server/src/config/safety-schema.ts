import { type TSchema, Type } from 'typebox'
import { redactedKinds } from '../domain/redacted-kinds.ts'
import { group, milliseconds, named } from './schema-parts.ts'

const policy = <Options extends Record<string, unknown>>(options: Options) =>
  Type.Enum(['off', 'main', 'demo'], options)

const list = <Item extends TSchema>(item: Item, description: string) =>
  Type.Optional(Type.Array(item, { maxItems: 1_000, description }))

const percent = (name: string, value: number) =>
  Type.Integer({
    minimum: 0,
    maximum: 100,
    default: value,
    description: `How sure \`image_model\` must be that a picture is indecent to refuse it under \`${name}\`, in percent. 0: every picture is refused.`,
  })

/** What must not be asked for or said, under one name. */
const BlockSchema = group(
  {
    texts: list(
      Type.String({ minLength: 1, maxLength: 200, 'x-check': 'blocked-text' }),
      'Texts, found as whole words; capitals, width, runs of space and unseen characters make no difference.',
    ),
    patterns: list(
      Type.String({ minLength: 1, maxLength: 256, 'x-check': 'linear-pattern' }),
      'Regular expressions without references back and looking around, at most 256 characters; repetitions up to 200. Matched in linear time.',
    ),
    applies_to: Type.Optional(
      Type.Enum(['both', 'prompts', 'answers'], {
        description: 'Where it is looked for; in both where this is absent.',
      }),
    ),
  },
  'A list of what is blocked.',
)

/** What is checked before a call leaves, and before its answer is shown. */
export const SafetySchema = group(
  {
    policy: policy({
      default: 'off',
      description:
        'Checks of every call: `off`: none; `main`: block lists, redaction, and moderation where `moderation_model` is set, in doubt for the caller; `demo`: the same, moderation always, and in doubt refused. A request may ask for more by `x-headgate-safe`, never for less.',
    }),
    projects: named('^[A-Za-z0-9_-]{1,128}$', policy({ description: 'Policy of this project.' }), {
      description: 'Policies of projects by id, in place of `policy`.',
    }),
    block: named('^[a-z0-9][a-z0-9_-]{0,63}$', BlockSchema, {
      description: 'What must not be asked for or said, by a name that logs and metrics show.',
    }),
    redact: Type.Array(Type.Enum([...redactedKinds]), {
      default: [...redactedKinds],
      description: 'What is taken out of prompts before they leave, where the policy is not `off`.',
    }),
    injection_percent: Type.Integer({
      minimum: 0,
      maximum: 100,
      default: 50,
      description:
        'Score from which on a prompt that looks like an injection is reported in log and metrics, in percent, where the policy is not `off`; none is refused for it. 0: no score is computed.',
    }),
    window_characters: Type.Integer({
      minimum: 256,
      maximum: 4_096,
      default: 256,
      description:
        'Characters of a streamed answer that are held back where lists apply to answers, so that nothing blocked is shown in part.',
    }),
    moderation_model: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'Model that judges prompts: those of pictures for strangers (publishable keys and the tier `anonymous`), which are refused without one, and all where the policy is not `off`. Such as `openai/omni-moderation-latest`.',
      }),
    ),
    image_model: Type.Enum(['none', 'nsfwjs'], {
      default: 'none',
      description:
        'Model of this machine that looks at pictures in prompts and answers where the policy is not `off`: `nsfwjs`, whose packages are installed apart. `none`: none is looked at.',
    }),
    image_percent_main: percent('main', 80),
    image_percent_demo: percent('demo', 50),
    judge_ms: milliseconds('Longest wait for its verdict; a later one counts as none.', 10_000),
  },
  'What may be asked for and said.',
)
