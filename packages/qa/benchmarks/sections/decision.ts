import type { Bench } from '../bench-table.ts'
import { measured } from './measured.ts'

/** What a decision by five limits costs in memory. */
export const decision = async ({ report }: Bench): Promise<void> => {
  const found = await measured<{ decision_us: number; baseline_us: number }>('decision')
  report('decision by 5 limits in memory', found.decision_us, 2, ' µs')
  report('the same counted in a plain map', found.baseline_us, 2, ' µs')
  report('decision in memory, ratio', found.decision_us / found.baseline_us, 1, ' ×')
}
