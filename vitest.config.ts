import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('.', import.meta.url))
const everywhere = ['packages/*/**/*.test.ts', 'scripts/**/*.test.ts']
const nowhere = ['**/node_modules/**', '**/dist/**']

/** What leaves traces in a process, or measures it. */
const tracing =
  /startHouse|openDatabase|spawn|execFile|useFakeTimers|vi\.mock|Worker|process\.env\[|process\.memoryUsage|heap|setFlags/
/** Tests of single parts, which share processes: starting one and loading the code anew for each file took as long as these tests do. */
const parts = globSync(['packages/server/src/**/*.test.ts', 'packages/contract/**/*.test.ts'], {
  cwd: root,
  exclude: nowhere,
}).filter((path) => !tracing.test(readFileSync(`${root}/${path}`, 'utf8')))

export default defineConfig({
  test: {
    globalSetup: ['packages/server/test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 15_000,
    restoreMocks: true,
    coverage: { include: ['packages/*/src/**/*.ts'], exclude: ['**/*.test.ts', '**/__fixtures__/**'] },
    projects: [
      { extends: true, test: { name: 'parts', isolate: false, include: parts, exclude: nowhere } },
      { extends: true, test: { name: 'whole', include: everywhere, exclude: [...nowhere, ...parts] } },
    ],
  },
})
