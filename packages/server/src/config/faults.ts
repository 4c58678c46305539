/** One thing wrong with the configuration, in words an operator understands. Never carries the value of a secret. */
export type ConfigFault = {
  /** `headgate.yaml:3:5`, `environment HEADGATE_PORT`, `.env:2 HEADGATE_PORT`, `flag --port`, `default` or `profile production`. */
  where: string
  /** The option, dotted: `timeouts.connect_ms`; empty when the fault is not about one option. */
  option: string
  problem: string
  expected?: string
  /** The nearest right name. */
  suggestion?: string
}

/** One fault on one line. */
export const printFault = (fault: ConfigFault): string => {
  const expected = fault.expected === undefined ? '' : `; expected ${fault.expected}`
  const suggestion = fault.suggestion === undefined ? '' : ` (did you mean "${fault.suggestion}"?)`
  const option = fault.option === '' ? '' : `${fault.option}: `
  return `${fault.where}: ${option}${fault.problem}${expected}${suggestion}`
}

/** Thrown by `loadConfig`: everything that is wrong, at once; the message lists a fault per line. */
export class ConfigFaults extends Error {
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[]) {
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
    super(`The configuration has ${count}:\n${faults.map((fault) => `  ${printFault(fault)}`).join('\n')}`)
    this.name = 'ConfigFaults'
    this.faults = faults
  }
}
