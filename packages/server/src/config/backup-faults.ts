import { bucketFaults } from './bucket-faults.ts'
import type { ConfigFault } from './faults.ts'
import type { LoadedConfig } from './schema.ts'

/** Backups are encrypted for somebody, and the key is not kept beside what it opens. */
export const backupFaults = (
  { backups, database_url: external }: LoadedConfig,
  where: (path: readonly string[]) => string,
): ConfigFault[] => {
  const problemOf = (option: string, problem: string, expected: string): ConfigFault => ({
    where: where(['backups', ...option.split('.')]),
    option: `backups.${option}`,
    problem,
    expected,
  })
  const { directory, keys_directory: keys, copy, engine, pgbackrest } = backups
  const folders = [directory, keys].filter((one) => one !== undefined)
  return [
    ...bucketFaults('backups.copy', copy.s3, where),
    ...(copy.directory !== undefined && copy.s3.bucket !== undefined
      ? [problemOf('copy.directory', 'is given beside backups.copy.s3.bucket', 'one of them')]
      : []),
    ...(copy.directory !== undefined && folders.includes(copy.directory)
      ? [problemOf('copy.directory', 'is the folder of backups or of keys', 'another folder, on another disk')]
      : []),
    ...(copy.keys_directory !== undefined && [...folders, copy.directory].includes(copy.keys_directory)
      ? [problemOf('copy.keys_directory', 'is a folder that is in use already', 'another folder')]
      : []),
    ...(directory === undefined && (copy.directory !== undefined || copy.s3.bucket !== undefined)
      ? [problemOf('directory', 'is missing while backups.copy is set', 'the folder that is copied')]
      : []),
    ...(directory !== undefined && backups.recipients.length === 0
      ? [problemOf('recipients', 'is empty while backups.directory is set', 'at least one public key of age')]
      : []),
    ...(engine === 'pgbackrest' && external === undefined
      ? [problemOf('engine', 'is pgbackrest, but the database is the embedded one', 'headgate, or database_url set')]
      : []),
    ...(engine === 'pgbackrest' && pgbackrest.stanza === undefined
      ? [problemOf('pgbackrest.stanza', 'is missing while backups.engine is pgbackrest', 'the name of the stanza')]
      : []),
    ...(engine === 'pgbackrest' && directory !== undefined
      ? [problemOf('directory', 'is set while backups.engine is pgbackrest', 'its repository in its own configuration')]
      : []),
    ...(keys !== undefined && keys === directory
      ? [problemOf('keys_directory', 'is backups.directory', 'another folder')]
      : []),
  ]
}
