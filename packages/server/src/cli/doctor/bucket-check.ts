import { createHash, randomBytes } from 'node:crypto'
import { openBucket } from '../../compose/blob-store.ts'
import type { Settings } from '../../config/config.ts'
import { systemClock } from '../../kernel/clock.ts'
import { type Finding, reasonOf } from './finding.ts'

const TIMEOUT_MS = 5_000

/** The bucket of assets, where there is one: a small object is put, read and erased. */
export const checkBucket = async (settings: Pick<Settings, 'config' | 'secrets'>): Promise<Finding[]> => {
  const bucket = openBucket(settings, systemClock, { timeoutMs: TIMEOUT_MS, wholeMs: TIMEOUT_MS })
  if (bucket === null) return []
  const probe = randomBytes(32)
  const name = createHash('sha256').update(probe).digest('hex')
  const steps = { put: () => bucket.put(name, probe), read: () => bucket.get(name), erase: () => bucket.remove(name) }
  for (const [step, take] of Object.entries(steps))
    try {
      await take()
    } catch (thrown) {
      const cause = thrown instanceof Error && thrown.cause !== undefined ? `: ${reasonOf(thrown.cause)}` : ''
      return [
        {
          check: 'bucket',
          state: 'fault',
          message: `It could not ${step} an object: ${reasonOf(thrown)}${cause}.`,
          fix: 'Are endpoint, region, bucket and path_style of assets.s3 right, and may its key put, get and delete objects?',
          code: 'asset_store_unavailable',
          page: 'guides/assets',
        },
      ]
    }
  return [{ check: 'bucket', state: 'ok', message: 'The bucket of assets takes, gives and erases an object.' }]
}
