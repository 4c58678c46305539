import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseConnection } from '../kernel/db.ts'

/**
 * The way into the embedded PostgreSQL that another process runs on this data folder, from PostgreSQL's own
 * `postmaster.pid` (pid, folder, start, port, socket folder, address, shared memory, state; a line each); null when none is ready.
 */
export const findRunningStore = async (dataDirectory: string): Promise<DatabaseConnection | null> => {
  const directory = await realpath(dataDirectory).catch(() => dataDirectory)
  const file = await readFile(join(directory, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '')
  const [, , , port = '', socketFolder = '', address = '', , state = ''] = file.split('\n')
  if (state.trim() !== 'ready') return null
  const password = await readFile(join(directory, 'postgres-password'), 'utf8').catch(() => '')
  return {
    host: socketFolder.trim() || address.trim(),
    port: Number(port),
    user: 'headgate',
    database: 'headgate',
    ...(password !== '' && { password }),
  }
}
