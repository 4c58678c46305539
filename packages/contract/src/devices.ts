import { type Static, Type } from 'typebox'

/** Body of `POST /v1/devices`. */
export const MintDeviceSchema = Type.Object(
  {
    token: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'A token that has not ended yet: the same device gets a new one.',
      }),
    ),
    proof: Type.Optional(
      Type.Object(
        {
          challenge: Type.String({ minLength: 1, maxLength: 200, description: '`params.challenge` of the refusal.' }),
          nonce: Type.String({
            pattern: '^[\\x21-\\x7e]{1,64}$',
            description: 'A text for which SHA-256 of `<challenge>:<nonce>` begins with `params.difficulty` zero bits.',
          }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false, title: 'MintDevice', examples: [{}] },
)
export type MintDevice = Static<typeof MintDeviceSchema>

/** An anonymous person, known by a token alone. */
export const DeviceSchema = Type.Object(
  {
    object: Type.Literal('device'),
    id: Type.String({ description: 'The user id of its calls.' }),
    token: Type.String({ description: 'Send it as the bearer, with the publishable key in `x-api-key`.' }),
    expires_at: Type.String(),
  },
  {
    title: 'Device',
    examples: [
      {
        object: 'device',
        id: 'dev_01KG9V6V80Q3M5YJ8T2N4R7WXA',
        token: 'hg_dt_…',
        expires_at: '2026-03-02T09:15:00.000Z',
      },
    ],
  },
)
