import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { EmbeddedUnavailable } from './embedded-binaries.ts'

/** Where the cluster of a new version is made. */
export const upgradeFolder = (dataDirectory: string): string => join(dataDirectory, 'upgrade')

/** Is there from when the new cluster is whole until it stands in its place. */
export const finishedUpgrade = (dataDirectory: string): string => join(upgradeFolder(dataDirectory), 'finished')

/** @throws {EmbeddedUnavailable} when an upgrade was broken off between the two clusters: a start would make an empty one. */
export const refuseHalfUpgraded = async (dataDirectory: string): Promise<void> => {
  const half = await access(finishedUpgrade(dataDirectory)).then(
    () => true,
    () => false,
  )
  if (half)
    throw new EmbeddedUnavailable(
      `An upgrade of the database in ${dataDirectory} was broken off at its end. Run headgate upgrade-store again; it finishes in a moment.`,
    )
}
