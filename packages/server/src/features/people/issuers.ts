import {
  type ConfiguredIssuer,
  type IssuerInput,
  issuerNamePattern,
  type NamedIssuer,
} from '@headgate/contract/issuers.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { AuditPort, Operator } from './people.ports.ts'
import { deleteIssuer, type IssuerRow, raiseRevision, readIssuers, writeIssuer } from './people.store.ts'

const MOST_ISSUERS = 20
const issuerName = new RegExp(issuerNamePattern)

export interface IssuersOptions {
  readonly database: Database
  readonly audit: AuditPort
  readonly clock: Clock
  /** The issuers of the configuration, by name, asked anew each time; they hold against an operator's of the same name. */
  readonly configured: () => Readonly<Record<string, ConfiguredIssuer>>
  /** Names of the configured tiers, asked anew each time. */
  readonly tiers: () => readonly string[]
  readonly hasProject: (id: string) => Promise<boolean>
  /** Called after each change, so that this replica acts on it at once. */
  readonly changed: () => Promise<void>
}

const refuse = (location: string, message: string, fix: string): AppError =>
  new AppError('invalid_parameter', {
    detail: `${location} ${message}. ${fix}`,
    details: [{ location, message, fix }],
  })

const ofOperator = ({ project_id, name, issuer }: IssuerRow): NamedIssuer => ({
  object: 'issuer',
  name,
  project: project_id,
  source: 'operator',
  issuer,
})

const ofConfiguration = (configured: Readonly<Record<string, ConfiguredIssuer>>): NamedIssuer[] =>
  Object.entries(configured).map(([name, { project, ...issuer }]) => ({
    object: 'issuer',
    name,
    project,
    source: 'configuration',
    issuer,
  }))

const merge = (configured: readonly NamedIssuer[], stored: readonly IssuerRow[]): NamedIssuer[] => {
  const taken = new Set(configured.map(({ project, name }) => `${project} ${name}`))
  return [...configured, ...stored.map(ofOperator).filter(({ project, name }) => !taken.has(`${project} ${name}`))]
}

/** The issuers that a project trusts: configured, or kept in PostgreSQL and in effect on every replica within 5 seconds. */
export const createIssuers = (options: IssuersOptions) => {
  const { database, audit, clock, configured, tiers, hasProject, changed } = options
  const change = async (project: string, name: string, work: (transaction: Transaction) => Promise<void>) => {
    if (!(await hasProject(project))) throw new AppError('resource_not_found', { detail: 'There is no such project.' })
    if (configured()[name]?.project === project)
      throw refuse('name', 'is an issuer of the configuration', 'Change it there, or choose another name.')
    await database.transaction('system', async (transaction) => {
      await raiseRevision(transaction)
      await work(transaction)
    })
    await changed()
  }
  const find = (rows: readonly IssuerRow[], project: string, name: string) =>
    rows.find((row) => row.project_id === project && row.name === name)?.issuer

  return {
    /** All issuers: those of the configuration, and those that are kept. */
    merge: (stored: readonly IssuerRow[]): NamedIssuer[] => merge(ofConfiguration(configured()), stored),

    list: async (project: string): Promise<NamedIssuer[]> => {
      if (!(await hasProject(project)))
        throw new AppError('resource_not_found', { detail: 'There is no such project.' })
      const stored = await database.read('system', readIssuers)
      return merge(ofConfiguration(configured()), stored).filter((issuer) => issuer.project === project)
    },

    put: async (project: string, name: string, issuer: IssuerInput, operator: Operator): Promise<NamedIssuer> => {
      if (!issuerName.test(name))
        throw refuse('name', 'must be 1 to 64 of a-z, 0-9, _ and -', 'Choose another name, such as "login".')
      if (issuer.tier !== undefined && !tiers().includes(issuer.tier))
        throw refuse('tier', 'is not configured', `Use one of: ${tiers().join(', ')}.`)
      if (issuer.jwks_url === undefined && !/^https?:\/\//.test(issuer.issuer))
        throw refuse('jwks_url', 'is missing, and the issuer is no address to discover it at', 'Give jwks_url.')
      await change(project, name, async (transaction) => {
        const all = (await readIssuers(transaction)).filter((row) => row.project_id === project)
        const before = find(all, project, name)
        if (before === undefined && all.length >= MOST_ISSUERS)
          throw refuse('name', `would be issuer ${MOST_ISSUERS + 1} of the project`, 'Delete one.')
        await writeIssuer(transaction, { project_id: project, name, issuer }, new Date(clock.now()))
        await audit.record(transaction, {
          ...operator,
          action: before === undefined ? 'issuer.created' : 'issuer.updated',
          resource: `issuer/${project}/${name}`,
          project,
          ...(before !== undefined && { before }),
          after: issuer,
        })
      })
      return ofOperator({ project_id: project, name, issuer })
    },

    remove: (project: string, name: string, operator: Operator): Promise<void> =>
      change(project, name, async (transaction) => {
        const before = find(await readIssuers(transaction), project, name)
        if (before === undefined)
          throw new AppError('resource_not_found', { detail: 'The project has no issuer by this name.' })
        await deleteIssuer(transaction, project, name)
        await audit.record(transaction, {
          ...operator,
          action: 'issuer.deleted',
          resource: `issuer/${project}/${name}`,
          project,
          before,
        })
      }),
  }
}

export type Issuers = ReturnType<typeof createIssuers>
