import { searchPath } from '../config/env.ts'
import type { Config } from '../config/schema.ts'
import type { EngineLook } from '../features/providers/local/local.ts'

/** Which engines this machine has, and which not; null where nobody asked for any. The library is loaded where somebody did. */
export const lookForEngines = async ({ local_engines, profile }: Config): Promise<readonly EngineLook[] | null> => {
  if (!local_engines || profile === 'production' || profile === 'staging') return null
  return (await import('../features/providers/local/local.ts')).lookForEngines(searchPath())
}
