import type { Target } from '../../domain/model.ts'
import type { Rejection } from '../../domain/route.ts'
import { unknownLicence } from '../../domain/licences.ts'
import { AppError } from '../../kernel/errors.ts'

const ENDING = 'is not allowed here'

/** Whether the licences of the house allow a target. */
export const isOpen = ({ terms }: Target): boolean => terms?.isRefused !== true

const licenceOf = ({ terms }: Target): string => terms?.licence ?? unknownLicence

/** Why a target is passed over. */
export const refusalOf = (target: Target): Rejection => ({
  model: target.name,
  reason: `its licence (${licenceOf(target)}) ${ENDING}`,
})

/** The answer to a call that only this target could have taken. */
export const licenceNotAllowed = (target: Target): AppError =>
  new AppError('licence_not_allowed', {
    detail: `The licence of the model "${target.name}" (${licenceOf(target)}) ${ENDING}.`,
    details: [
      { location: 'model', message: `is under the licence ${licenceOf(target)}`, fix: 'Pick one of GET /v1/models.' },
    ],
  })

/** What the reason of a choice says of those that were passed over for their licence: how many, since names may be anything. */
export const leftOut = (rejected: readonly Rejection[]): string => {
  const count = rejected.filter(({ reason }) => reason.endsWith(ENDING)).length
  return count === 0 ? '' : `; ${count} left out for the licence`
}
