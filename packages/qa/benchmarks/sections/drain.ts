import { quantile } from '../load.ts'
import { startService } from '../../load/services.ts'
import type { Bench } from '../bench-table.ts'
import { measured } from './measured.ts'

const ROWS = 100_000
const ROUNDS = 5

/** How fast a full journal comes into PostgreSQL; the first round, in which the machine warms up, does not count. */
export const drain = async ({ report }: Bench): Promise<void> => {
  const postgres = await startService('postgres')
  try {
    const perSecond: number[] = []
    const own: number[] = []
    for (let round = -1; round < ROUNDS; round++) {
      const found = await measured<{ rows: number; seconds: number; cpu_seconds: number }>(
        'ledger-drain',
        postgres.url,
        String(ROWS),
      )
      if (round < 0) continue
      perSecond.push(found.rows / found.seconds)
      own.push((found.cpu_seconds * 1e6) / found.rows)
    }
    report('ledger drain from a full journal', quantile(perSecond), 0, ' rows/s', { least: 20_000 })
    report('ledger drain: CPU of Headgate per row', quantile(own), 1, ' µs')
  } finally {
    await postgres.stop()
  }
}
