import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { ConfigFaults, printFault } from '../../src/config/faults.ts'
import type { ConfigInput } from '../../src/config/gather.ts'

/** A folder of its own for every test of a file, and loading from it with an empty environment. */
export const configurationFolder = () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'headgate-config-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const path = (...names: string[]): string => join(folder, ...names)
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(path(name)), { recursive: true })
    writeFileSync(path(name), text)
  }
  const load = (input: ConfigInput = {}) => loadConfig({ cwd: folder, environment: {}, ...input })
  /** The printed faults; none when it loads. */
  const faultsOf = async (input: ConfigInput = {}): Promise<string[]> => {
    try {
      await load(input)
    } catch (error) {
      if (error instanceof ConfigFaults) return error.faults.map(printFault)
      throw error
    }
    return []
  }
  return { path, write, load, faultsOf }
}

/** Two random texts that every profile takes as secrets. */
export const strongSecrets = ['q7Zp2VtX9bLk4RmW8cYd1NfG6hJs3TaE', 'Mw5uK0xBv7Qe2PzR9tLy4HnC8sFd6GjA'] as const
