import { objectiveProblems, ruleProblems } from '../domain/objective.ts'
import type { ConfigFault } from './faults.ts'
import { printPath } from './options.ts'
import type { LoadedConfig } from './schema.ts'

type Receiver = LoadedConfig['receivers'][string]

/** What each kind of receiver needs; it takes nothing else but its severities. */
const members: Readonly<
  Record<Receiver['kind'], { needs: readonly (keyof Receiver)[]; takes: readonly (keyof Receiver)[] }>
> = {
  webhook: { needs: ['url'], takes: ['signing_key'] },
  slack: { needs: ['url'], takes: [] },
  email: { needs: ['smtp_url', 'from', 'to'], takes: [] },
}
const ways: readonly (keyof Receiver)[] = ['url', 'signing_key', 'smtp_url', 'from', 'to']

const receiverProblems = (receiver: Receiver) => {
  const { needs, takes } = members[receiver.kind]
  return ways.flatMap((member) => {
    const isGiven = receiver[member] !== undefined
    if (!isGiven && needs.includes(member))
      return [{ member, message: `is missing for the kind ${receiver.kind}`, fix: `${needs.join(', ')}` }]
    if (isGiven && !needs.includes(member) && !takes.includes(member))
      return [{ member, message: `has no meaning for the kind ${receiver.kind}`, fix: [...needs, ...takes].join(', ') }]
    return []
  })
}

/** What no schema says of objectives, alert rules and receivers. */
export const alertFaults = (loaded: LoadedConfig, where: (path: readonly string[]) => string): ConfigFault[] => {
  const check = <Entry>(
    group: string,
    entries: Readonly<Record<string, Entry>>,
    problemsOf: (entry: Entry) => readonly { member: string; message: string; fix: string }[],
  ): ConfigFault[] =>
    Object.entries(entries).flatMap(([name, entry]) =>
      problemsOf(entry).map(({ member, message, fix }) => ({
        where: where([group, name, member]),
        option: printPath([group, name]),
        problem: `${member} ${message}`,
        expected: fix,
      })),
    )
  return [
    ...check('objectives', loaded.objectives, objectiveProblems),
    ...check('alerts', loaded.alerts, ruleProblems),
    ...check('receivers', loaded.receivers, receiverProblems),
  ]
}
