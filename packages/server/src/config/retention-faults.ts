import type { ConfigFault } from './faults.ts'
import type { LoadedConfig } from './schema.ts'

const LEAST_MONTHS = 12

/** What no schema says of how long rows stay: PostgreSQL refuses to end a month of the ledger that is younger than a year. */
export const retentionFaults = (
  { retention: { ledger_months: months } }: LoadedConfig,
  where: (path: readonly string[]) => string,
): ConfigFault[] =>
  months === 0 || months >= LEAST_MONTHS
    ? []
    : [
        {
          where: where(['retention', 'ledger_months']),
          option: 'retention.ledger_months',
          problem: `is ${months}`,
          expected: `0 for ever, or ${LEAST_MONTHS} months and more`,
        },
      ]
