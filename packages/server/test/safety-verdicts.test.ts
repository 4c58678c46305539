import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type House, startHouse } from './support/house.ts'

let house: House
let key: string
beforeAll(async () => {
  house = await startHouse({
    environment: { HEADGATE_REQUESTS_SAMPLE_PER_MINUTE: '1000' },
    config: {
      safety_policy: 'main',
      safety_redact: 'email',
      safety_injection_percent: 1,
      safety_moderation_model: 'up/omni-moderation-latest',
      safety_block: { manners: { texts: ['rude word'], applies_to: 'prompts' } },
    },
  })
  key = (await house.makeKey()).key
})
afterAll(() => house.stop())

interface Verdict {
  readonly of: string
  readonly check: string
  readonly decision: string
  readonly category: string | null
  readonly score: number | null
}
interface Listed {
  readonly data: readonly { readonly request_id: string; readonly verdicts: readonly Verdict[] }[]
}
const say = async (content: string): Promise<string> => {
  const body = { model: 'up/gpt-4o-mini', messages: [{ role: 'user', content }] }
  const answer = await house.request('/v1/chat/completions', { key, body })
  await answer.text()
  return answer.headers.get('x-request-id') as string
}
const listed = async (query: string) =>
  (await (await house.request(`/admin/v1/requests?route=/v1/chat/completions&${query}`)).json()) as Listed
const verdictsOf = (id: string): Promise<readonly Verdict[]> =>
  vi.waitFor(async () => {
    const answer = await house.request(`/admin/v1/requests/${id}`)
    expect(answer.status).toBe(200)
    return ((await answer.json()) as { verdicts: readonly Verdict[] }).verdicts
  })

describe('the record of a request', () => {
  it('tells what the safety checks said, without what they read, and is found by it', async () => {
    const [fine, refused, redacted] = [
      await say('Hello'),
      await say('This is a rude word.'),
      await say('Write to anna.planted@example.org'),
    ]
    const told = await verdictsOf(fine)
    expect(told.map(({ check, decision, of }) => [check, decision, of])).toEqual([
      ['block_list', 'passed', 'prompt'],
      ['injection', 'passed', 'prompt'],
      ['redaction', 'passed', 'prompt'],
      ['moderation', 'passed', 'prompt'],
    ])
    expect(told.map(({ score }) => score)).toEqual([null, 0, null, 0.03])
    expect(await verdictsOf(refused)).toEqual([
      { of: 'prompt', check: 'block_list', decision: 'refused', category: 'manners', score: null },
    ])
    expect(JSON.stringify(await verdictsOf(redacted))).not.toContain('planted')

    const by = async (query: string) => (await listed(query)).data.map(({ request_id }) => request_id)
    expect(await by('verdict=refused')).toEqual([refused])
    expect(await by('verdict=redacted&check=redaction')).toEqual([redacted])
    expect(await by('verdict=redacted&check=moderation')).toEqual([])
    expect((await by('check=moderation')).sort()).toEqual([fine, redacted].sort())
  })
})
