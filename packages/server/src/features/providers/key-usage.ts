/** Which keys of a provider were used, by their places; `mark` costs one write. */
export interface KeyUsage {
  readonly mark: () => void
  readonly take: () => readonly number[]
}

/** Of a provider with one key, or none. */
export const createKeyUsage = (): KeyUsage => {
  let isUsed = false
  return {
    mark: () => {
      isUsed = true
    },
    take: () => {
      const used = isUsed ? [0] : []
      isUsed = false
      return used
    },
  }
}
