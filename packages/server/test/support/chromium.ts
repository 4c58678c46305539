import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { locateProgram } from './debian-binaries.ts'

/** Starts Chromium without a window: the machine’s own (Chrome will do), or that of Debian’s package; more options for it. Close it. */
export const startChromium = async (...args: string[]): Promise<Browser> => {
  const { program, environment, root } = await locateProgram({
    programs: ['chromium', 'google-chrome'],
    packages: ['chromium'],
  })
  return chromium.launch({
    // Debian's own start script looks for its files where they would be installed.
    executablePath: root ? join(root, 'usr/lib/chromium/chromium') : program,
    args,
    env: { ...process.env, ...environment } as Record<string, string>,
    timeout: 120_000,
  })
}
