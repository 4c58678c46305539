import type { Database } from '../../kernel/db.ts'

/** A rule of the accounts, as a query that finds the breaches of it. */
export interface Rule {
  readonly name: string
  /** What holds when nothing is found. */
  readonly meaning: string
  /** Selects one text column `what` per breach. */
  readonly sql: string
  /** A breach is possible in good order and is only to be looked at. */
  readonly advisory?: boolean
}

/** Whether a time is of a month whose rows are gone. */
const isSealed = (time: string): string =>
  `EXISTS (SELECT FROM headgate.ledger_sealed_months m WHERE ${time} >= m.month_start AND ${time} < m.month_end)`

const SUMMED = ['requests', 'cost_nano', 'input_tokens', 'output_tokens']
  .map((name) => `sum(${name}) AS ${name}`)
  .join(', ')

/** The rules that hold between entries, budgets and leases at every moment. */
export const ledgerRules: readonly Rule[] = [
  {
    name: 'spent-is-the-sum-of-entries',
    meaning:
      'what a window of a budget has spent is the sum of its entries, and of what months that ended have sealed of it',
    sql: `SELECT format('budget %s, window %s: spent %s, entries %s', w.budget_id, w.window_start, w.spent_nano, coalesce(e.cost, 0)) AS what
            FROM headgate.budget_windows w
            LEFT JOIN (SELECT budget_id, budget_window, sum(coalesce(cost_nano, 0)) AS cost FROM (
                         SELECT budget_id, budget_window, cost_nano FROM headgate.ledger_entries WHERE budget_id IS NOT NULL
                         UNION ALL SELECT budget_id, budget_window, cost_nano FROM headgate.ledger_charges
                         UNION ALL SELECT budget_id, budget_window, cost_nano FROM headgate.ledger_sealed_windows) charged
                        GROUP BY 1, 2) e
              ON e.budget_id = w.budget_id AND e.budget_window = w.window_start
           WHERE w.spent_nano <> coalesce(e.cost, 0)`,
  },
  {
    name: 'leased-is-the-sum-of-leases',
    meaning: 'what a window has leased is the sum of its leases',
    sql: `SELECT format('budget %s, window %s: leased %s, leases %s', w.budget_id, w.window_start, w.leased_nano, coalesce(l.amount, 0)) AS what
            FROM headgate.budget_windows w
            LEFT JOIN (SELECT budget_id, window_start, sum(amount_nano) AS amount FROM headgate.leases GROUP BY 1, 2) l
              ON l.budget_id = w.budget_id AND l.window_start = w.window_start
           WHERE w.leased_nano <> coalesce(l.amount, 0)`,
  },
  {
    name: 'hours-are-the-sum-of-entries',
    meaning: 'what reports read by the hour is the sum of the entries',
    sql: `SELECT format('%s, project %s, key %s, model %s: %s calls for %s, entries %s for %s', hour, project_id, key_id, target,
              coalesce(h.requests, 0), coalesce(h.cost_nano, 0), coalesce(e.requests, 0), coalesce(e.cost_nano, 0)) AS what
            FROM (SELECT date_bin('1 hour', at, to_timestamp(0)) AS hour, project_id, key_id, coalesce(user_name, '') AS user_name, target,
                    count(*) FILTER (WHERE kind = 'call') AS requests, coalesce(sum(cost_nano), 0) AS cost_nano,
                    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(images) AS images,
                    sum(audio_ms) AS audio_ms, sum(characters) AS characters
                    FROM headgate.ledger_entries WHERE NOT ${isSealed('at')} GROUP BY 1, 2, 3, 4, 5) e
            FULL JOIN (SELECT * FROM headgate.usage_hours WHERE NOT ${isSealed('hour')}) h
              USING (hour, project_id, key_id, user_name, target)
           WHERE (e.requests, e.cost_nano, e.input_tokens, e.output_tokens, e.images, e.audio_ms, e.characters)
             IS DISTINCT FROM (h.requests, h.cost_nano, h.input_tokens, h.output_tokens, h.images, h.audio_ms, h.characters)`,
  },
  {
    name: 'sealed-days-are-the-sum-of-hours',
    meaning: 'what months that ended have sealed, and what came after, is the sum of their hours',
    sql: `SELECT format('%s, project %s, key %s, model %s: sealed %s calls for %s, hours %s for %s', day, project_id, key_id, target,
              coalesce(e.requests, 0), coalesce(e.cost_nano, 0), coalesce(h.requests, 0), coalesce(h.cost_nano, 0)) AS what
            FROM (SELECT day, project_id, key_id, user_name, target, ${SUMMED} FROM (
                    SELECT day, project_id, key_id, user_name, target, requests, cost_nano, input_tokens, output_tokens
                      FROM headgate.ledger_sealed_days
                    UNION ALL
                    SELECT date_bin('1 day', at, to_timestamp(0)), project_id, key_id, coalesce(user_name, ''), target,
                           (kind = 'call')::int, coalesce(cost_nano, 0), input_tokens, output_tokens
                      FROM headgate.ledger_entries WHERE ${isSealed('at')}) sealed GROUP BY 1, 2, 3, 4, 5) e
            FULL JOIN (SELECT date_bin('1 day', hour, to_timestamp(0)) AS day, project_id, key_id, user_name, target, ${SUMMED}
                         FROM headgate.usage_hours WHERE ${isSealed('hour')} GROUP BY 1, 2, 3, 4, 5) h
              USING (day, project_id, key_id, user_name, target)
           WHERE (e.requests, e.cost_nano, e.input_tokens, e.output_tokens)
             IS DISTINCT FROM (h.requests, h.cost_nano, h.input_tokens, h.output_tokens)`,
  },
  {
    name: 'days-are-the-sum-of-hours',
    meaning: 'what reports read by the day is the sum of the hours',
    sql: `SELECT format('%s, project %s, key %s, model %s: %s calls for %s, hours %s for %s', day, project_id, key_id, target,
              coalesce(d.requests, 0), coalesce(d.cost_nano, 0), coalesce(h.requests, 0), coalesce(h.cost_nano, 0)) AS what
            FROM (SELECT date_bin('1 day', hour, to_timestamp(0)) AS day, project_id, key_id, user_name, target, ${SUMMED}
                    FROM headgate.usage_hours GROUP BY 1, 2, 3, 4, 5) h
            FULL JOIN headgate.usage_days d USING (day, project_id, key_id, user_name, target)
           WHERE (h.requests, h.cost_nano, h.input_tokens, h.output_tokens)
             IS DISTINCT FROM (d.requests, d.cost_nano, d.input_tokens, d.output_tokens)`,
  },
  {
    name: 'one-row-per-call',
    meaning: 'every call has one billable row',
    sql: `SELECT format('request %s has %s rows', request_id, count(*)) AS what
            FROM headgate.ledger_entries WHERE kind = 'call' GROUP BY request_id HAVING count(*) > 1`,
  },
  {
    name: 'no-negative-amount',
    meaning: 'no call has a negative cost or count, no lease a negative amount, and no window without a credit',
    sql: `SELECT format('request %s', request_id) AS what FROM headgate.ledger_entries
           WHERE kind = 'call' AND (cost_nano < 0 OR input_tokens < 0 OR output_tokens < 0
              OR cached_input_tokens < 0 OR cache_write_input_tokens < 0 OR reasoning_tokens < 0)
          UNION ALL SELECT format('budget %s, window %s', budget_id, window_start) FROM headgate.budget_windows
           WHERE leased_nano < 0
          UNION ALL SELECT format('budget %s, window %s: spent without a credit', w.budget_id, w.window_start) FROM headgate.budget_windows w
           WHERE w.spent_nano < 0 AND NOT EXISTS (SELECT FROM headgate.ledger_entries e
             WHERE e.budget_id = w.budget_id AND e.budget_window = w.window_start AND e.kind = 'adjustment' AND e.cost_nano < 0)
             AND NOT EXISTS (SELECT FROM headgate.ledger_charges c
             WHERE c.budget_id = w.budget_id AND c.budget_window = w.window_start AND c.kind = 'adjustment' AND c.cost_nano < 0)
             AND NOT EXISTS (SELECT FROM headgate.ledger_sealed_windows s
             WHERE s.budget_id = w.budget_id AND s.budget_window = w.window_start AND s.credited)
          UNION ALL SELECT format('lease %s', id) FROM headgate.leases WHERE amount_nano < 0`,
  },
  {
    name: 'charges-have-their-entry',
    meaning: 'what an entry is charged to further budgets is what it costs, and once for each',
    sql: `SELECT format('request %s, budget %s: charged %s', c.request_id, c.budget_id, c.cost_nano) AS what
            FROM headgate.ledger_charges c
            LEFT JOIN headgate.ledger_entries e ON e.request_id = c.request_id AND e.kind = c.kind AND e.at = c.at
           WHERE e.request_id IS NULL OR e.cost_nano IS DISTINCT FROM c.cost_nano OR e.budget_id = c.budget_id`,
  },
  {
    name: 'corrections-have-their-call',
    meaning: 'every correction is of a call of its time, and leaves it no negative cost',
    sql: `SELECT format('correction %s of %s', c.request_id, c.client_request_id) AS what
            FROM headgate.ledger_entries c
            LEFT JOIN headgate.ledger_entries e ON e.request_id = c.client_request_id AND e.at = c.at AND e.kind = 'call'
           WHERE c.kind = 'correction' AND (e.request_id IS NULL OR (e.project_id, e.key_id, e.target) <> (c.project_id, c.key_id, c.target))
          UNION ALL SELECT format('request %s costs %s', c.client_request_id, sum(c.cost_nano) + coalesce(min(e.cost_nano), 0))
            FROM headgate.ledger_entries c
            JOIN headgate.ledger_entries e ON e.request_id = c.client_request_id AND e.at = c.at AND e.kind = 'call'
           WHERE c.kind = 'correction' GROUP BY c.client_request_id, c.at HAVING sum(c.cost_nano) + coalesce(min(e.cost_nano), 0) < 0`,
  },
  {
    name: 'tries-have-their-call',
    meaning: 'every try at a provider stands under a billable row',
    sql: `SELECT format('request %s', a.request_id) AS what FROM headgate.request_attempts a
           WHERE NOT EXISTS (SELECT FROM headgate.ledger_entries e WHERE e.request_id = a.request_id AND e.at = a.at)
           GROUP BY a.request_id`,
  },
  {
    name: 'no-lease-is-forgotten',
    meaning: 'no lease outlives its replica by more than five minutes',
    sql: `SELECT format('lease %s of replica %s, silent since %s', id, replica_id, heartbeat_at) AS what
            FROM headgate.leases WHERE heartbeat_at < now() - interval '5 minutes'`,
  },
  {
    name: 'within-the-limit',
    meaning: 'no window of a hard budget has spent and leased more than its limit',
    sql: `SELECT format('budget %s, window %s: spent %s, leased %s, limit %s', w.budget_id, w.window_start, w.spent_nano, w.leased_nano, b.limit_nano) AS what
            FROM headgate.budget_windows w JOIN headgate.budgets b ON b.id = w.budget_id
            , LATERAL (SELECT sum(p.spent_nano + p.leased_nano) AS used FROM headgate.budget_windows p
                        WHERE p.budget_id = w.budget_id AND p.window_start <= w.window_start
                          AND p.window_start >= w.window_start - CASE b.budget_window WHEN 'rolling-hour' THEN interval '1 hour'
                            WHEN 'rolling-day' THEN interval '24 hours' WHEN 'rolling-month' THEN interval '720 hours'
                            ELSE interval '0' END) counted
           WHERE counted.used > b.limit_nano AND NOT b.soft`,
    advisory: true,
  },
  {
    name: 'every-call-has-a-price',
    meaning: 'every call against a budget has a known cost',
    sql: `SELECT format('request %s', request_id) AS what FROM headgate.ledger_entries e
           WHERE kind = 'call' AND budget_id IS NOT NULL AND cost_nano IS NULL AND NOT EXISTS (SELECT FROM headgate.ledger_entries c
             WHERE c.kind = 'correction' AND c.client_request_id = e.request_id AND c.at = e.at)`,
    advisory: true,
  },
]

const MOST_SHOWN = 20

/** Breaches of every rule, the first twenty of each, seen in one snapshot. */
export const findBreaches = (database: Database): Promise<ReadonlyMap<string, readonly string[]>> =>
  database.read('system', async ({ query }) => {
    // One statement is one snapshot: under load the sums would otherwise be of different moments.
    const parts = ledgerRules.map(
      ({ name, sql }) => `(SELECT '${name}' AS rule, what FROM (${sql}) breaches LIMIT ${MOST_SHOWN})`,
    )
    const { rows } = await query<{ rule: string; what: string }>(parts.join(' UNION ALL '))
    const breaches = new Map<string, string[]>()
    for (const { rule, what } of rows) breaches.set(rule, [...(breaches.get(rule) ?? []), what])
    return breaches
  })
