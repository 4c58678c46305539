import { type Access, type NamedPolicy, type PolicyInput, policyNamePattern } from '@headgate/contract/limits.ts'
import ipaddr from 'ipaddr.js'
import { policyProblems } from '../../domain/policy-problems.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import { createFollower } from '../../kernel/follower.ts'
import type { Log } from '../../kernel/log.ts'
import type { AccessGate } from './access.ts'
import type { AuditPort, Operator } from './admission.ports.ts'
import {
  deletePolicy,
  raiseRevision,
  readAccess,
  readPolicies,
  readRevision,
  writeAccess,
  writePolicy,
} from './admission.store.ts'
import type { Policies } from './policies.ts'
import { compilePolicy } from './policy.ts'

const MOST_POLICIES = 200
const policyName = new RegExp(policyNamePattern)

export interface LimitsOptions {
  readonly database: Database
  readonly audit: AuditPort
  readonly clock: Clock
  readonly log: Log
  readonly policies: Policies
  readonly access: AccessGate
  /** The policies of the configuration, by name; they hold against an operator's of the same name. */
  readonly configured: Readonly<Record<string, PolicyInput>>
  /** The access rules of the configuration, which hold until an operator sets others. */
  readonly configuredAccess: Access
}

const nameProblems = (name: string) =>
  policyName.test(name)
    ? []
    : [
        {
          location: 'name',
          message: 'must be 1 to 64 of a-z, 0-9, _ and -, and begin with one of the first two',
          fix: 'Choose another name, such as "free-models".',
        },
      ]

const refuse = (details: { location: string; message: string; fix: string }[]): AppError =>
  new AppError('invalid_parameter', {
    detail: details.map(({ location, message, fix }) => `${location} ${message}. ${fix}`).join(' '),
    details,
  })

const rangeProblem = (location: string, text: string): { location: string; message: string; fix: string }[] => {
  const fits = text.includes('/') ? ipaddr.isValidCIDR(text) : ipaddr.isValid(text)
  const shown = JSON.stringify(text.slice(0, 64))
  return fits ? [] : [{ location, message: `${shown} is no address or range`, fix: 'Write it as 203.0.113.0/24.' }]
}

/** The limits that operators change while Headgate runs: kept in PostgreSQL, in effect on every replica within 5 seconds. */
export const createLimits = (options: LimitsOptions) => {
  const { database, audit, clock, policies, access, configured } = options
  let seen = -1n

  const follower = createFollower({
    clock,
    log: options.log,
    component: 'admission',
    what: 'limits',
    look: async () => {
      const found = await database.read('system', async (read) => {
        const revision = await readRevision(read)
        if (revision === seen) return null
        return { revision, stored: await readPolicies(read), rules: await readAccess(read) }
      })
      if (found === null) return
      const inputs = { ...Object.fromEntries(found.stored.map(({ name, policy }) => [name, policy])), ...configured }
      const compiled = Object.entries(inputs).map(([name, input]) => compilePolicy(name, input))
      policies.replace(compiled.filter((policy) => policy !== null))
      access.replace(found.rules ?? options.configuredAccess)
      seen = found.revision
    },
  })

  const change = async (work: (transaction: Transaction) => Promise<void>): Promise<void> => {
    await database.transaction('system', async (transaction) => {
      await raiseRevision(transaction)
      await work(transaction)
    })
    await follower.refreshQuietly()
  }

  const notConfigured = (name: string): void => {
    if (Object.hasOwn(configured, name))
      throw refuse([
        {
          location: 'name',
          message: 'is a policy of the configuration',
          fix: 'Change limits.policies there, or choose another name.',
        },
      ])
  }

  return {
    ...follower,
    list: async (): Promise<NamedPolicy[]> => {
      const stored = await database.read('system', readPolicies)
      const named = (source: NamedPolicy['source'], name: string, policy: PolicyInput): NamedPolicy => ({
        object: 'limit_policy',
        name,
        source,
        policy,
      })
      return [
        ...Object.entries(configured).map(([name, policy]) => named('configuration', name, policy)),
        ...stored
          .filter(({ name }) => !Object.hasOwn(configured, name))
          .map(({ name, policy }) => named('operator', name, policy)),
      ].sort((one, other) => (one.name < other.name ? -1 : 1))
    },
    put: async (name: string, policy: PolicyInput, operator: Operator): Promise<NamedPolicy> => {
      notConfigured(name)
      const problems = [...nameProblems(name), ...policyProblems(policy)]
      if (problems.length > 0) throw refuse(problems)
      await change(async (transaction) => {
        const all = await readPolicies(transaction)
        const before = all.find((row) => row.name === name)?.policy
        if (before === undefined && all.length >= MOST_POLICIES)
          throw refuse([
            { location: 'name', message: `would be policy ${MOST_POLICIES + 1}`, fix: 'Delete one, or widen another.' },
          ])
        await writePolicy(transaction, { name, policy }, new Date(clock.now()))
        await audit.record(transaction, {
          ...operator,
          action: before === undefined ? 'limit_policy.created' : 'limit_policy.updated',
          resource: `limit_policy/${name}`,
          ...(before !== undefined && { before }),
          after: policy,
        })
      })
      return { object: 'limit_policy', name, source: 'operator', policy }
    },
    remove: async (name: string, operator: Operator): Promise<void> => {
      notConfigured(name)
      await change(async (transaction) => {
        const before = (await readPolicies(transaction)).find((row) => row.name === name)?.policy
        if (before === undefined)
          throw new AppError('resource_not_found', { detail: 'There is no policy by this name.' })
        await deletePolicy(transaction, name)
        await audit.record(transaction, {
          ...operator,
          action: 'limit_policy.deleted',
          resource: `limit_policy/${name}`,
          before,
        })
      })
    },
    /** The access rules in effect. */
    access: async (): Promise<Access> => (await database.read('system', readAccess)) ?? options.configuredAccess,
    putAccess: async (next: Access, operator: Operator): Promise<Access> => {
      const problems = (['allow', 'deny'] as const).flatMap((list) =>
        next[list].flatMap((text, index) => rangeProblem(`${list}.${index}`, text)),
      )
      if (problems.length > 0) throw refuse(problems.slice(0, 20))
      await change(async (transaction) => {
        const before = await readAccess(transaction)
        await writeAccess(transaction, next, new Date(clock.now()))
        await audit.record(transaction, {
          ...operator,
          action: 'access.updated',
          resource: 'access',
          ...(before && { before }),
          after: next,
        })
      })
      return next
    },
  }
}

export type Limits = ReturnType<typeof createLimits>
