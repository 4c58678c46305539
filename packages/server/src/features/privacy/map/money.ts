import type { TableMap } from '../data-map.ts'

const ledgerKept = '`retention.ledger_months`; by the day for ever, or until the project goes'
const unnamed = { personColumn: 'user_name', erasure: 'books' } as const
const counting = { personColumn: null, erasure: 'stays' } as const

const usageTable = (time: string, by: string): TableMap => ({
  activity: 'accounting',
  purpose: `What people and keys used, ${by}.`,
  kept: 'for ever, or until the project goes',
  ...unnamed,
  columns: {
    person: ['user_name'],
    technical: ['project_id', 'key_id'],
    usage: [
      ...[time, 'target', 'requests', 'estimated_requests', 'unpriced_requests', 'input_tokens'],
      ...['cached_input_tokens', 'cache_write_input_tokens', 'output_tokens', 'reasoning_tokens', 'images', 'audio_ms'],
      ...['characters', 'cost_nano', 'adjustments_nano', 'saved_nano'],
    ],
  },
})

/** What calls cost, and what may be spent. */
export const moneyTables: Readonly<Record<string, TableMap>> = {
  ledger_entries: {
    activity: 'accounting',
    purpose: 'What each call consumed and cost: the books, which only ever grow.',
    kept: ledgerKept,
    ...unnamed,
    columns: {
      person: ['user_name'],
      technical: [
        ...['request_id', 'kind', 'client_request_id', 'project_id', 'key_id', 'estimated', 'price_version'],
        ...['budget_id', 'budget_window', 'written_at', 'reason'],
      ],
      usage: [
        ...['at', 'operation', 'target', 'provider', 'model', 'stream', 'outcome', 'input_tokens'],
        ...['cached_input_tokens', 'cache_write_input_tokens', 'cache_write_hour_input_tokens', 'output_tokens'],
        ...['reasoning_tokens', 'images', 'audio_ms', 'characters', 'cost_nano', 'saved_nano', 'fault', 'attempts'],
        ...['duration_ms', 'first_byte_ms'],
      ],
    },
  },
  ledger_charges: {
    activity: 'accounting',
    purpose: 'Which further budgets a call was charged to.',
    kept: ledgerKept,
    ...counting,
    because: 'Has the numbers of calls and budgets alone; a call loses its name where it is entered.',
    columns: {
      technical: ['request_id', 'kind', 'project_id', 'budget_id', 'budget_window'],
      usage: ['at', 'cost_nano'],
    },
  },
  ledger_sealed_days: {
    activity: 'accounting',
    purpose: 'What the calls of a day came to, after their rows went.',
    kept: 'for ever, or until the project goes',
    ...unnamed,
    columns: {
      person: ['user_name'],
      technical: ['project_id', 'key_id'],
      usage: ['day', 'target', 'requests', 'input_tokens', 'output_tokens', 'cost_nano'],
    },
  },
  ledger_sealed_months: {
    activity: 'accounting',
    purpose: 'Sums of months whose rows went, to prove that nothing was lost.',
    kept: 'for ever',
    ...counting,
    columns: { technical: ['month_start', 'month_end', 'days', 'entries', 'cost_nano', 'sealed_at'] },
  },
  ledger_sealed_windows: {
    activity: 'accounting',
    purpose: 'What budgets were charged in months whose rows went.',
    kept: 'for ever, or until the project goes',
    ...counting,
    columns: { technical: ['budget_id', 'budget_window', 'month_start', 'project_id', 'cost_nano', 'credited'] },
  },
  ledger_upkeep: {
    activity: 'operation',
    purpose: 'Whose turn the upkeep of the ledger is.',
    kept: 'one row, for ever',
    ...counting,
    columns: { technical: ['single', 'claimed_until', 'done_at'] },
  },
  usage_hours: usageTable('hour', 'by the hour'),
  usage_days: usageTable('day', 'by the day'),
  budgets: {
    activity: 'accounting',
    purpose: 'What projects, keys, models and people may spend.',
    kept: 'until it is removed; of a person, 75 days after it was last used',
    personColumn: 'subject',
    erasure: 'unname',
    ofPersonalRules: true,
    columns: {
      person: ['subject'],
      technical: ['id', 'project_id', 'limit_nano', 'budget_window', 'updated_at', 'rule_name', 'soft'],
    },
  },
  budget_windows: {
    activity: 'accounting',
    purpose: 'What was spent of a budget in a window.',
    kept: '75 days after the window, 400 where it is a day or a month; for ever where the budget is one for all time',
    ...counting,
    because: 'Found by its budget alone.',
    columns: { technical: ['budget_id', 'window_start', 'project_id', 'leased_nano'], usage: ['spent_nano'] },
  },
  budget_alerts: {
    activity: 'accounting',
    purpose: 'Warnings that a budget ran low.',
    kept: '400 days',
    personColumn: 'subject',
    erasure: 'delete',
    ofPersonalRules: true,
    columns: {
      person: ['subject'],
      technical: ['budget_id', 'window_start', 'kind', 'project_id', 'rule_name', 'limit_nano', 'raised_at'],
      usage: ['spent_nano', 'forecast_nano'],
    },
  },
  budget_rules: {
    activity: 'accounting',
    purpose: 'Rules by which budgets come to be.',
    kept: 'until it is removed',
    ...counting,
    columns: { technical: ['name', 'rule', 'limit_nano', 'budget_window', 'soft', 'source', 'changed_at'] },
  },
  budget_rule_changes: {
    activity: 'operation',
    purpose: 'Tells replicas that rules of budgets changed.',
    kept: 'one row, for ever',
    ...counting,
    columns: { technical: ['id', 'revision'] },
  },
  leases: {
    activity: 'accounting',
    purpose: 'Money that a replica has set aside for calls under way.',
    kept: 'until the replica ends',
    ...counting,
    columns: {
      technical: [
        ...['id', 'budget_id', 'window_start', 'project_id', 'replica_id', 'epoch', 'amount_nano', 'heartbeat_at'],
        'wanted_at',
      ],
    },
  },
  limit_policies: {
    activity: 'accounting',
    purpose: 'Limits as data.',
    kept: 'until it is removed',
    ...counting,
    columns: { technical: ['name', 'policy', 'changed_at'] },
  },
  limit_counts: {
    activity: 'accounting',
    purpose: 'How much of a limit is used, where PostgreSQL counts.',
    kept: 'until the limit is full again',
    ...counting,
    because: 'A count that may hold the name of a person ends by itself, when its window is over.',
    columns: { person: ['key'], technical: ['full_at', 'began_us', 'given_us', 'expires_at'], usage: ['parts'] },
  },
  limit_holdings: {
    activity: 'accounting',
    purpose: 'Places taken of a limit of concurrent calls.',
    kept: 'while the call runs',
    ...counting,
    because: 'Ends with the call.',
    columns: { person: ['key'], technical: ['holder', 'expires_at'] },
  },
  limit_changes: {
    activity: 'operation',
    purpose: 'Tells replicas that limits changed.',
    kept: 'one row, for ever',
    ...counting,
    columns: { technical: ['id', 'revision'] },
  },
  limit_replicas: {
    activity: 'operation',
    purpose: 'Which replicas count.',
    kept: 'until the replica ends',
    ...counting,
    columns: { technical: ['replica', 'seen_at'] },
  },
}
