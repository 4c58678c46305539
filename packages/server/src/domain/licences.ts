/** Which licences of models the house allows: names, or their beginnings with a `*`; in any case of letters. */
export interface LicenceRules {
  /** Empty: all that are not denied. */
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** Stands in the rules for the licence of a model of which nobody said one. */
export const unknownLicence = 'unknown'

const holds = (rules: readonly string[], licence: string): boolean =>
  rules.some((rule) => {
    const name = rule.toLowerCase()
    return name.endsWith('*') ? licence.startsWith(name.slice(0, -1)) : licence === name
  })

/** Whether a model under this licence may not be called. What is both allowed and denied is denied. */
export const isLicenceRefused = ({ allow, deny }: LicenceRules, licence: string | null): boolean => {
  const name = (licence ?? unknownLicence).toLowerCase()
  return holds(deny, name) || (allow.length > 0 && !holds(allow, name))
}
