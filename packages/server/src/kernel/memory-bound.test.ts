import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { findMemoryBound } from './memory-bound.ts'

const roots: string[] = []
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true })
})

/** A file system with what the kernel shows of control groups. */
const machine = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), 'headgate-cgroup-'))
  roots.push(root)
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return root
}

it('takes the tightest limit above it of version 2, and counts what the kernel cannot take back', async () => {
  const slice = 'sys/fs/cgroup/system.slice'
  const root = await machine({
    'proc/self/cgroup': '0::/system.slice/headgate.service\n',
    [`${slice}/headgate.service/memory.max`]: '1073741824\n',
    'sys/fs/cgroup/memory.max': '2147483648\n',
    [`${slice}/memory.max`]: '536870912\n',
    [`${slice}/memory.current`]: '500000000\n',
    [`${slice}/memory.stat`]: 'anon 1\ninactive_file 100000000\nactive_file 50000000\nslab_reclaimable 1000000\n',
  })
  const bound = findMemoryBound(root)
  expect(bound).toMatchObject({ bytes: 536_870_912, source: 'cgroup' })
  expect(bound.used()).toBe(349_000_000)
})

it('finds the limit of a container of version 1, whose path is the one outside of it', async () => {
  const memory = 'sys/fs/cgroup/memory'
  const root = await machine({
    'proc/self/cgroup': '9:cpu:/docker/abc\n4:memory:/docker/abc\n0::/\n',
    [`${memory}/memory.limit_in_bytes`]: '268435456\n',
    [`${memory}/memory.usage_in_bytes`]: '200000000\n',
    [`${memory}/memory.stat`]: 'inactive_file 9\ntotal_inactive_file 30000000\ntotal_active_file 20000000\n',
  })
  const bound = findMemoryBound(root)
  expect(bound).toMatchObject({ bytes: 268_435_456, source: 'cgroup' })
  expect(bound.used()).toBe(150_000_000)
})

it('falls back to the machine: without groups, without a limit, or with one beyond its memory', async () => {
  const limitless = {
    'proc/self/cgroup': '4:memory:/\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
  }
  const open = { 'proc/self/cgroup': '0::/a\n', 'sys/fs/cgroup/a/memory.max': 'max\n' }
  const vast = { 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': String(totalmem() * 2) }
  for (const files of [{}, limitless, open, vast]) {
    const bound = findMemoryBound(await machine(files))
    expect(bound).toMatchObject({ bytes: totalmem(), source: 'machine' })
    expect(bound.used()).toBeNull()
  }
})
