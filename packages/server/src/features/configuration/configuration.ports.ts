/** Who asks for a reload, for the audit. */
export interface Operator {
  readonly actor: string
  readonly requestId?: string
}

/** What a reload did. */
export interface ReloadReport {
  /** Names of the options that changed and are in effect now. */
  readonly changed: readonly string[]
  /** Names of the options that changed and wait for the next start. */
  readonly restart: readonly string[]
}

/** One fault of a configuration; never the value of a secret. */
export interface Fault {
  readonly where: string
  readonly option: string
  readonly problem: string
  readonly expected?: string
  readonly suggestion?: string
}

/** How the last reload went. */
export interface LastReload {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly actor: string
  readonly faults: readonly Fault[]
}

/** One option in effect, fit to be shown: secrets are `***`. */
export interface EffectiveOption {
  readonly option: string
  readonly value: string
  readonly source: string
  readonly where: string
  readonly reload: boolean
  readonly environment?: string
}

/** What the routes ask of the house. */
export interface ConfigurationPorts {
  readonly options: () => readonly EffectiveOption[]
  /** @throws AppError `config_invalid` with every fault; the former configuration then stays. */
  readonly reload: (operator: Operator) => Promise<ReloadReport>
  readonly state: () => { readonly restart: readonly string[]; readonly last: LastReload | null }
}
