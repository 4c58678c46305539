import { type CreateProject, CreateProjectSchema, type Project } from '@headgate/contract/keys.ts'
import { Command } from 'commander'
import { compileCheck } from '../http/schema-check.ts'
import { addCommonOptions, storeFlagsOf, outputOf } from './command-context.ts'
import { operator, withIdentity } from './operator.ts'
import { collectPages } from './pages.ts'
import { writeRecord, writeTable } from './output.ts'

type Given = Record<string, unknown>

/** `headgate projects create | list`. */
export const projectsCommand = (): Command => {
  const projects = new Command('projects').description('projects: the tenants of keys and usage')

  addCommonOptions(projects.command('create').argument('<name>'), 'store')
    .description('create a project')
    .option('--id <id>', 'its id; made when left out')
    .action(async (name: string, given: Given) => {
      const input = compileCheck(CreateProjectSchema)({ name, ...(given['id'] !== undefined && { id: given['id'] }) })
      const made = await withIdentity(storeFlagsOf(given), ({ projects }) =>
        projects.create(input as CreateProject, operator),
      )
      writeRecord(outputOf(given), made, [
        ['id', made.id],
        ['name', made.name],
      ])
    })

  addCommonOptions(projects.command('list'), 'store')
    .description('list all projects')
    .action(async (given: Given) => {
      const data = await withIdentity(storeFlagsOf(given), ({ projects }) => collectPages<Project>(projects.list))
      writeTable(
        outputOf(given),
        { object: 'list', data },
        ['id', 'name', 'created'],
        data.map(({ id, name, created_at }) => [id, name, created_at]),
      )
    })

  return projects
}
