import type { CreateProject, Page, PageQuery, Project } from '@headgate/contract/keys.ts'
import { pageOf } from '@headgate/contract/keys.ts'
import type { Clock } from '../../kernel/clock.ts'
import { ulid } from '../../kernel/ids.ts'
import type { AuditPort } from './identity.ports.ts'
import type { IdentityStore } from './identity.store.ts'
import { refuse } from './key-input.ts'
import { presentProject } from './key-presentation.ts'
import type { Operator } from './keys.service.ts'

const DEFAULT_PAGE = 20

/** Projects: the tenants. */
export const createProjectsService = ({
  store,
  clock,
  audit,
}: {
  readonly store: IdentityStore
  readonly clock: Clock
  readonly audit: AuditPort
}) => ({
  create: (input: CreateProject, operator: Operator): Promise<Project> =>
    store.write(async (transaction) => {
      const now = clock.now()
      const id = input.id ?? `prj_${ulid(now)}`
      const row = await store.statements.insertProject(transaction, { id, name: input.name }, new Date(now))
      if (!row) throw refuse('id', 'is taken by another project', 'Choose another id, or leave it out.')
      await audit.record(transaction, {
        ...operator,
        action: 'project.created',
        resource: `project/${id}`,
        project: id,
        after: { name: input.name },
      })
      return presentProject(row)
    }),

  exists: (id: string): Promise<boolean> => store.read((read) => store.statements.projectExists(read, id)),

  list: async (query: PageQuery): Promise<Page<Project>> => {
    const limit = Number(query.limit ?? DEFAULT_PAGE)
    const after = query.after === undefined ? null : BigInt(query.after)
    const rows = await store.read((read) => store.statements.projects(read, after, limit + 1))
    return pageOf(rows, limit, (row) => row.position.toString(), presentProject)
  },
})

export type ProjectsService = ReturnType<typeof createProjectsService>
