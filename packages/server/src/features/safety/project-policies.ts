import type { SafetyPolicy, SafetyPolicyInput } from '@headgate/contract/safety-policies.ts'
import { AppError } from '../../kernel/errors.ts'
import type { Feature } from '../../kernel/feature.ts'
import type { Transaction } from '../../kernel/db.ts'
import { createFollower } from '../../kernel/follower.ts'
import type { Policy } from './policy.ts'
import type { Operator, ProjectPoliciesOptions } from './project-policies.ports.ts'
import { projectPolicyRoutes } from './project-policies.routes.ts'
import {
  deletePolicy,
  type PolicyRow,
  raiseRevision,
  readPolicies,
  readPolicy,
  readRevision,
  writePolicy,
} from './project-policies.store.ts'

/** Policies that operators set for single projects. */
export interface ProjectPolicies extends Feature {
  /** That of a project; nothing where no operator has set one. */
  readonly of: (project: string) => Policy | undefined
}

/**
 * Policies of projects as data: kept in PostgreSQL, in effect on every replica within 5 seconds. A project that the configuration names
 * has the policy that stands there.
 */
export const createProjectPolicies = (options: ProjectPoliciesOptions): ProjectPolicies => {
  const { database, clock, log, record, hasProject, configured } = options
  let known: ReadonlyMap<string, Policy> = new Map()
  let seen = -1n
  const follower = createFollower({
    clock,
    log,
    component: 'safety',
    what: 'safety policies',
    look: async () => {
      const found = await database.read('system', async (read) => {
        const revision = await readRevision(read)
        return revision === seen ? null : { revision, rows: await readPolicies(read) }
      })
      if (found === null) return
      known = new Map(found.rows.map(({ project_id, policy }) => [project_id, policy]))
      seen = found.revision
    },
  })

  const isConfigured = (project: string): boolean => Object.hasOwn(configured().projects, project)
  const requireProject = async (project: string): Promise<void> => {
    if (!(await hasProject(project))) throw new AppError('resource_not_found', { detail: 'There is no such project.' })
  }

  const present = (project: string, row: PolicyRow | null): SafetyPolicy => {
    const rules = configured()
    const own = isConfigured(project) ? rules.projects[project] : undefined
    const policy = own ?? row?.policy ?? rules.policy
    const isOff = policy === 'off'
    const model = isOff ? null : (rules.moderation_model ?? null)
    return {
      object: 'safety_policy',
      project,
      policy,
      source: own !== undefined ? 'configuration' : row === null ? 'default' : 'operator',
      changed_at: own === undefined ? (row?.changed_at.toISOString() ?? null) : null,
      checks: {
        block_lists: isOff ? [] : Object.keys(rules.block),
        redact: isOff ? [] : [...rules.redact],
        injection_percent: isOff || rules.injection_percent === 0 ? null : rules.injection_percent,
        moderation_model: model,
        answers_moderated: policy === 'demo' && model !== null,
        in_doubt: policy === 'demo' ? 'refuse' : 'pass',
      },
    }
  }

  const change = async (
    project: string,
    work: (transaction: Transaction, before: PolicyRow | null) => Promise<PolicyRow | null>,
  ): Promise<SafetyPolicy> => {
    await requireProject(project)
    const row = await database.transaction('system', async (transaction) => {
      await raiseRevision(transaction)
      return work(transaction, await readPolicy(transaction, project))
    })
    await follower.refreshQuietly()
    return present(project, row)
  }

  const show = async (project: string): Promise<SafetyPolicy> => {
    await requireProject(project)
    return present(project, await database.read('system', (read) => readPolicy(read, project)))
  }

  const put = (project: string, { policy, reason }: SafetyPolicyInput, operator: Operator): Promise<SafetyPolicy> => {
    if (isConfigured(project)) {
      const message = 'has its policy in the configuration'
      const fix = 'Change safety.projects there, or take the project out of it.'
      throw new AppError('invalid_parameter', {
        detail: `The project ${message}. ${fix}`,
        details: [{ location: 'project', message, fix }],
      })
    }
    return change(project, async (transaction, before) => {
      const row = { project_id: project, policy, changed_at: new Date(clock.now()) }
      await writePolicy(transaction, row)
      await record(transaction, {
        ...operator,
        action: 'safety_policy.set',
        resource: `safety_policy/${project}`,
        project,
        ...(before !== null && { before: { policy: before.policy } }),
        after: { policy },
        ...(reason !== undefined && { reason }),
      })
      return row
    })
  }

  const remove = (project: string, operator: Operator): Promise<SafetyPolicy> =>
    change(project, async (transaction, before) => {
      if (before === null)
        throw new AppError('resource_not_found', { detail: 'No operator has set a policy for this project.' })
      await deletePolicy(transaction, project)
      await record(transaction, {
        ...operator,
        action: 'safety_policy.deleted',
        resource: `safety_policy/${project}`,
        project,
        before: { policy: before.policy },
      })
      return null
    })

  return {
    name: 'safety',
    routes: projectPolicyRoutes({ show, put, remove }),
    of: (project) => known.get(project),
    start: follower.start,
    stop: follower.stop,
  }
}
