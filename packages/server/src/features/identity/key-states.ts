import type { KeyState } from '@headgate/contract/keys.ts'

/** Which state may follow which: NIST SP 800-57 Part 1 Rev. 5, section 7.2; a key that was never used may also be deactivated. */
const following: Readonly<Record<KeyState, readonly KeyState[]>> = {
  'pre-activation': ['active', 'deactivated', 'compromised', 'destroyed'],
  active: ['suspended', 'deactivated', 'compromised'],
  suspended: ['active', 'deactivated', 'compromised'],
  deactivated: ['compromised', 'destroyed'],
  compromised: ['destroyed'],
  destroyed: [],
}

/** The states that may follow a state. */
export const nextStates = (from: KeyState): readonly KeyState[] => following[from]
