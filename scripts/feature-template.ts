/** The files of a new feature, by path: the shape that `docs/architecture.md` describes, small enough to be read at once. */
export const featureFiles = (name: string, number: string): ReadonlyMap<string, string> => {
  const one = name.slice(0, -1)
  const Title = name.charAt(0).toUpperCase() + name.slice(1)
  const One = one.charAt(0).toUpperCase() + one.slice(1)
  const room = `packages/server/src/features/${name}`
  return new Map([
    [
      `packages/contract/src/${name}.ts`,
      `import { Type } from 'typebox'
import { pageSchema } from './keys.ts'

/** A ${one} as operators see it. */
export const ${One}Schema = Type.Object(
  { object: Type.Literal('${one}'), id: Type.String(), project: Type.String(), created_at: Type.String() },
  {
    title: '${One}',
    examples: [{ object: '${one}', id: '1', project: 'default', created_at: '2026-01-31T09:15:00.000Z' }],
  },
)

/** Answer of \`GET /admin/v1/${name}\`. */
export const ${One}PageSchema = pageSchema(${One}Schema, '${One}Page')
`,
    ],
    [
      `packages/server/migrations/${number}-${name}.sql`,
      `-- owner: ${name}
CREATE TABLE headgate.${name} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  project_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
SELECT headgate.protect_tenant_table('headgate.${name}');
`,
    ],
    [
      `${room}/${name}.ts`,
      `import type { Database } from '../../kernel/db.ts'
import type { Feature } from '../../kernel/feature.ts'
import { ${name}Routes } from './${name}.routes.ts'
import { read${Title} } from './${name}.store.ts'

/** Builds ${name}. */
export const create${Title} = ({ database }: { readonly database: Database }): Feature => ({
  name: '${name}',
  routes: ${name}Routes((query) => read${Title}(database, query)),
})
`,
    ],
    [
      `${room}/${name}.routes.ts`,
      `import { type PageQuery, ProjectPageQuerySchema, pageOf } from '@headgate/contract/keys.ts'
import { ${One}PageSchema } from '@headgate/contract/${name}.ts'
import { defineRoute, type Route } from '../../kernel/route.ts'
import type { ${One}Query, ${One}Row } from './${name}.store.ts'

const DEFAULT_PAGE = 20

const present = ({ id, project_id, created_at }: ${One}Row) => ({
  object: '${one}',
  id: id.toString(),
  project: project_id,
  created_at: created_at.toISOString(),
})

/** The operator's view of ${name}. */
export const ${name}Routes = (read: (query: ${One}Query) => Promise<${One}Row[]>): Route[] => [
  defineRoute({
    method: 'GET',
    path: '/admin/v1/${name}',
    access: 'admin',
    permission: 'config:read',
    summary: 'Lists ${name}, the newest first.',
    query: ProjectPageQuerySchema,
    reference: { operationId: 'list${Title}', tag: '${Title}', answer: ${One}PageSchema },
    handle: async ({ query }) => {
      const { project, after, limit = DEFAULT_PAGE } = query as PageQuery
      const most = Number(limit)
      const rows = await read({
        project: project ?? null,
        after: after === undefined ? null : BigInt(after),
        limit: most + 1,
      })
      return { kind: 'json', value: pageOf(rows, most, (row) => row.id.toString(), present) }
    },
  }),
]
`,
    ],
    [
      `${room}/${name}.store.ts`,
      `import type { Database } from '../../kernel/db.ts'

/** A row of headgate.${name}. */
export interface ${One}Row {
  readonly id: bigint
  readonly project_id: string
  readonly created_at: Date
}

/** Which rows: of one project or all, older than \`after\`, at most \`limit\`. */
export interface ${One}Query {
  readonly project: string | null
  readonly after: bigint | null
  readonly limit: number
}

/** Rows, the newest first. */
export const read${Title} = (database: Database, { project, after, limit }: ${One}Query): Promise<${One}Row[]> =>
  database.read(
    'system',
    async ({ query }) =>
      (
        await query<${One}Row>(
          \`SELECT id, project_id, created_at FROM headgate.${name}
           WHERE ($1::text IS NULL OR project_id = $1) AND ($2::bigint IS NULL OR id < $2)
           ORDER BY id DESC LIMIT $3\`,
          [project, after, limit],
        )
      ).rows,
  )
`,
    ],
    [
      `${room}/${name}.test.ts`,
      `import { afterAll, beforeAll, expect, it } from 'vitest'
import { type House, startHouse } from '../../../test/support/house.ts'

let house: House
beforeAll(async () => {
  house = await startHouse()
})
afterAll(() => house.stop())

it('lists nothing in an empty house', async () => {
  const answer = await house.request('/admin/v1/${name}')
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ object: 'list', data: [], has_more: false })
})
`,
    ],
  ])
}
