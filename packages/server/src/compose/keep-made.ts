import type { Assets } from '../features/assets/assets.ts'
import type { KeepMade } from '../features/gateway/stored-call.ts'

/** What models make becomes assets of the person who asked, or of the project where nobody is named. */
export const createKeepMade =
  ({ keep }: Pick<Assets, 'keep'>): KeepMade =>
  ({ caller, user }, { name, metadata, bytes }) =>
    keep(caller, { project: caller.projectId, subject: user ?? '' }, { name, metadata }, bytes)
