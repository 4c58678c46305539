import { Type } from 'typebox'
import { group, milliseconds } from './schema-parts.ts'

/** Who judges what strangers ask for. */
export const SafetySchema = group(
  {
    moderation_model: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'Model that judges the prompts of pictures for strangers (publishable keys and the tier `anonymous`), such as `openai/omni-moderation-latest`. Without one these are refused.',
      }),
    ),
    judge_ms: milliseconds('Longest wait for its verdict; a later one counts as none.', 10_000),
  },
  'What strangers may have made.',
)
