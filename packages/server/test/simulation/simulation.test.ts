import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { plantedFaults } from './planted.ts'

const run = promisify(execFile)
const runner = fileURLToPath(new URL('simulate.ts', import.meta.url))
/** A process of its own: the runner replaces built-in modules as the product is loaded. */
const simulate = (...flags: string[]) =>
  run(process.execPath, [runner, ...flags], { timeout: 280_000 }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (cause: { code: number; stdout: string }) => ({ code: cause.code, stdout: cause.stdout }),
  )

test('40 seeds of mixed calls and faults break no rule', { timeout: 300_000 }, async () => {
  const { code, stdout } = await simulate('--seeds', '40', '--from', '100')
  expect(stdout).toMatch(/^40 seeds from 100, 0 with breaches; [1-9]\d{3,} calls/)
  expect(code).toBe(0)
})

test('a seed is one history, whatever was played before it', { timeout: 300_000 }, async () => {
  const [alone, after] = await Promise.all([
    simulate('--seeds', '1', '--from', '9', '--digests'),
    simulate('--seeds', '3', '--from', '7', '--digests'),
  ])
  const digest = alone.stdout.split('\n')[0] ?? ''
  expect(digest).toMatch(/^seed 9: [0-9a-f]{16}$/)
  expect(after.stdout.split('\n')[2]).toBe(digest)
  expect(new Set(after.stdout.match(/[0-9a-f]{16}/g))).toHaveLength(3)
})

test.each(plantedFaults.filter(({ isQuick }) => isQuick).map(({ name }) => name))(
  'finds: %s',
  { timeout: 300_000 },
  async (name) => {
    const { code, stdout } = await simulate('--seeds', '500', '--plant', name)
    expect(stdout).toContain(`"${name}" was found by seed`)
    expect(code).toBe(1)
  },
)
