import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false } as const

/** How much is checked, from the loosest to the strictest. */
export const safetyPolicies = ['off', 'main', 'demo'] as const
const Policy = Type.Enum([...safetyPolicies], {
  description: '`off`: nothing. `main`: what can be, in doubt for the caller. `demo`: all, in doubt against.',
})

/** Path of the safety policy of one project. */
export const SafetyPolicyPathSchema = Type.Object(
  {
    project: Type.String({
      pattern: '^[A-Za-z0-9_-]{1,128}$',
      description: 'Id of the project.',
      examples: ['default'],
    }),
  },
  closed,
)

/** Body of `PUT /admin/v1/projects/{project}/safety-policy`. */
export const SafetyPolicyInputSchema = Type.Object(
  {
    policy: Policy,
    reason: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 500,
        pattern: '^[^\\u0000-\\u001f\\u007f]*$',
        description: 'Why, for the audit.',
      }),
    ),
  },
  { ...closed, title: 'SafetyPolicyInput', examples: [{ policy: 'demo', reason: 'Opened to strangers' }] },
)
export interface SafetyPolicyInput {
  readonly policy: (typeof safetyPolicies)[number]
  readonly reason?: string
}

/** The policy in effect for calls of a project, and what it comes to with the other options of `safety`. */
export const SafetyPolicySchema = Type.Object(
  {
    object: Type.Literal('safety_policy'),
    project: Type.String(),
    policy: Policy,
    source: Type.Enum(['default', 'configuration', 'operator'], {
      description:
        '`default`: `safety.policy`. `configuration`: `safety.projects`, which changes only there. `operator`: this route.',
    }),
    changed_at: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'When an operator set it; null where none did.',
    }),
    checks: Type.Object(
      {
        block_lists: Type.Array(Type.String(), { description: 'Names of the lists that are looked for.' }),
        redact: Type.Array(Type.String(), { description: 'Kinds that are taken out of prompts.' }),
        injection_percent: Type.Union([Type.Integer(), Type.Null()], {
          description: 'Score from which on an injection is reported; null: none is computed.',
        }),
        moderation_model: Type.Union([Type.String(), Type.Null()], {
          description: 'Model that judges prompts; null: none does.',
        }),
        answers_moderated: Type.Boolean({ description: 'Whether it judges answers, too.' }),
        in_doubt: Type.Enum(['pass', 'refuse'], { description: 'What becomes of what nobody can judge.' }),
      },
      { ...closed, description: 'What is checked of a call that asks for no more.' },
    ),
  },
  { ...closed, title: 'SafetyPolicy' },
)
export type SafetyPolicy = Static<typeof SafetyPolicySchema>
