import {
  type IssuerInput,
  IssuerListSchema,
  IssuerPathSchema,
  IssuerSchema,
  type NamedIssuer,
  NamedIssuerSchema,
  ProjectPathSchema,
} from '@headgate/contract/issuers.ts'
import { type AdminInput, defineRoute, type Route } from '../../kernel/route.ts'
import type { Issuers } from './issuers.ts'
import type { Operator } from './people.ports.ts'

const operatorOf = ({ actor, requestId }: AdminInput): Operator => ({ actor, requestId })
const namesOf = ({ params }: AdminInput): [project: string, name: string] => [
  params['project'] ?? '',
  params['name'] ?? '',
]

const listed = (data: readonly NamedIssuer[]) =>
  ({ kind: 'json', value: { object: 'list', data, has_more: false, next_cursor: null } }) as const

/** The operator's routes of the issuers that a project trusts. */
export const issuerRoutes = (issuers: Issuers): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/projects/:project/issuers',
    access: 'admin',
    permission: 'users:read',
    summary: 'Lists the issuers whose tokens prove which person of a project calls.',
    reference: {
      operationId: 'listIssuers',
      tag: 'Users',
      answer: IssuerListSchema,
      params: ProjectPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => listed(await issuers.list(namesOf(input)[0])),
  }),
  defineRoute({
    method: 'PUT',
    path: '/admin/v1/projects/:project/issuers/:name',
    access: 'admin',
    permission: 'users:write',
    summary: 'Makes a project trust an issuer, or changes how; in effect on every replica within 5 seconds.',
    body: IssuerSchema,
    reference: {
      operationId: 'putIssuer',
      tag: 'Users',
      answer: NamedIssuerSchema,
      params: IssuerPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => {
      const value = await issuers.put(...namesOf(input), input.body as IssuerInput, operatorOf(input))
      return { kind: 'json', value }
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/admin/v1/projects/:project/issuers/:name',
    access: 'admin',
    permission: 'users:write',
    summary: 'Ends the trust in an issuer, on every replica within 5 seconds.',
    reference: {
      operationId: 'deleteIssuer',
      tag: 'Users',
      answer: IssuerListSchema,
      params: IssuerPathSchema,
      errors: ['resource_not_found'],
    },
    handle: async (input) => {
      const [project, name] = namesOf(input)
      await issuers.remove(project, name, operatorOf(input))
      return listed(await issuers.list(project))
    },
  }),
]
