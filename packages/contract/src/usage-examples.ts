/** One call, as the ledger tells it, for the reference. */
export const usageRowExample = {
  object: 'usage',
  id: 'req_01KG9V6V80Q3M5YJ8T2N4R7WXA',
  request_id: 'req_01KG9V6V80Q3M5YJ8T2N4R7WXA',
  project: 'default',
  key_id: '7Qm2xW4kZ9tB',
  user: null,
  operation: 'chat',
  provider: 'openai',
  model: 'gpt-4o-mini',
  stream: true,
  outcome: 'complete',
  estimated: false,
  input_tokens: 9,
  cached_input_tokens: 0,
  output_tokens: 6,
  reasoning_tokens: 0,
  cost_usd: '0.00000495',
  price_version: '2026-01-15',
  fault: null,
  attempts: 1,
  duration_ms: 812,
  first_byte_ms: 203,
  created_at: '2026-01-31T09:15:00.000Z',
  recorded: true,
}

/** Sums over a range. */
export const usageTotalsExample = {
  requests: 120,
  estimated_requests: 1,
  unpriced_requests: 0,
  input_tokens: 10_800,
  cached_input_tokens: 2_048,
  output_tokens: 7_200,
  reasoning_tokens: 0,
  cost_usd: '0.00594',
}
