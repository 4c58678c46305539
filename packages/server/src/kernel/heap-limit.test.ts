import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { oldGenerationBytes, oldGenerationLimit } from './heap-limit.ts'

const MEBIBYTE = 1_048_576
const own = fileURLToPath(new URL('heap-limit.ts', import.meta.url))

/** Mebibytes of the limit of a process with these flags, as V8 tells it and as it is. */
const limitWith = (...flags: string[]): number[] => {
  const script = `import { getHeapStatistics } from 'node:v8'; import { oldGenerationLimit } from '${own}';
    console.log(JSON.stringify([getHeapStatistics().heap_size_limit, oldGenerationLimit(process.execArgv)]))`
  const out = execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], { encoding: 'utf8' })
  return (JSON.parse(out) as number[]).map((bytes) => Math.round(bytes / MEBIBYTE))
}

it('is that of the old generation alone, whatever V8 tells', () => {
  const [told = 0, real] = limitWith('--max-old-space-size=64')
  expect(real).toBe(64)
  expect(told).toBeGreaterThan(64)
  expect(limitWith('--max_old_space_size=32', '--max-old-space-size=96', '--max-semi-space-size=4')).toEqual([108, 96])
  const [whole = 0, rest = 0] = limitWith('--max-semi-space-size=4')
  expect(whole - rest).toBe(12)
})

it('without flags leaves out the part of the young generation', () => {
  expect(oldGenerationLimit([], 4_288 * MEBIBYTE)).toBeCloseTo(4_096 * MEBIBYTE, -3)
  expect(oldGenerationBytes()).toBeGreaterThan(MEBIBYTE)
})
