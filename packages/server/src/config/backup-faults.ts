import type { ConfigFault } from './faults.ts'
import type { LoadedConfig } from './schema.ts'

/** Backups are encrypted for somebody, and the key is not kept beside what it opens. */
export const backupFaults = ({ backups }: LoadedConfig, where: (path: readonly string[]) => string): ConfigFault[] => {
  const problemOf = (option: string, problem: string, expected: string): ConfigFault => ({
    where: where(['backups', option]),
    option: `backups.${option}`,
    problem,
    expected,
  })
  return [
    ...(backups.directory !== undefined && backups.recipients.length === 0
      ? [problemOf('recipients', 'is empty while backups.directory is set', 'at least one public key of age')]
      : []),
    ...(backups.keys_directory !== undefined && backups.keys_directory === backups.directory
      ? [problemOf('keys_directory', 'is backups.directory', 'another folder')]
      : []),
  ]
}
