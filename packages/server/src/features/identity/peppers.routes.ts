import {
  KeyPepperPathSchema,
  KeyPeppersSchema,
  type RetirePepper,
  RetirePepperSchema,
  StandingKeyPageSchema,
  StandingKeyQuerySchema,
} from '@headgate/contract/key-peppers.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { Operator } from './keys.service.ts'
import type { PeppersService } from './peppers.service.ts'

const operatorOf = ({ actor, requestId }: AdminInput): Operator => ({ actor, requestId })
const generationOf = ({ params }: AdminInput): number => {
  const text = params['generation'] ?? ''
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0
}

/** What operators ask of the pepper under which API keys are hashed. */
export const pepperRoutes = (service: PeppersService): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/key-peppers',
    access: 'admin',
    permission: 'keys:read',
    summary: 'Shows the generations of the pepper under which API keys are hashed, and how many keys stand under each.',
    reference: {
      operationId: 'listKeyPeppers',
      tag: 'Keys',
      answer: KeyPeppersSchema,
      errors: ['database_unavailable'],
    },
    handle: async () => ({ kind: 'json', value: await service.list() }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/key-peppers',
    access: 'admin',
    permission: 'keys:write',
    summary: 'Makes the next generation of the pepper; keys come under it when they are used.',
    reference: {
      operationId: 'rotateKeyPepper',
      tag: 'Keys',
      description:
        'The former generation is accepted until it is retired. No key changes for its holder. Every replica must have a version that knows of generations.',
      answer: KeyPeppersSchema,
      status: 201,
      errors: ['pepper_in_use', 'database_unavailable'],
    },
    handle: async (input) => ({ kind: 'json', status: 201, value: await service.rotate(operatorOf(input)) }),
  }),
  defineRoute({
    method: 'GET',
    path: '/admin/v1/key-peppers/:generation/keys',
    access: 'admin',
    permission: 'keys:read',
    summary: 'Names the keys that still stand under a generation, and would be lost with it.',
    query: StandingKeyQuerySchema,
    reference: {
      operationId: 'listStandingKeys',
      tag: 'Keys',
      params: KeyPepperPathSchema,
      answer: StandingKeyPageSchema,
      errors: ['resource_not_found', 'database_unavailable'],
    },
    handle: async (input) => ({
      kind: 'json',
      value: await service.standing(generationOf(input), input.query),
    }),
  }),
  defineRoute({
    method: 'POST',
    path: '/admin/v1/key-peppers/:generation/retire',
    access: 'admin',
    permission: 'keys:write',
    summary: 'Ends a former generation: it is accepted no more.',
    body: RetirePepperSchema,
    reference: {
      operationId: 'retireKeyPepper',
      tag: 'Keys',
      description:
        'Refused with the names of the keys that stand under it, unless `accept_loss` says that they may end.',
      params: KeyPepperPathSchema,
      answer: KeyPeppersSchema,
      errors: ['resource_not_found', 'pepper_in_use', 'database_unavailable'],
    },
    handle: async (input) => ({
      kind: 'json',
      value: await service.retire(generationOf(input), input.body as RetirePepper, operatorOf(input)),
    }),
  }),
]
