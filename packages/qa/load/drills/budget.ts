import type { Seen } from '../caller.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import { disagreements, readReserved, settledEntries } from '../books.ts'
import { type House, price, type Settings } from '../house.ts'
import { pause, until } from '../pace.ts'
import type { Report } from '../report.ts'

const ROOM = 100
const CLIENTS = 64
/** A refusal may hold for a moment while another replica returns what it leased: so many in a row say that nothing is left. */
const REFUSALS = 4
const REFUSED_PAUSE_MS = 300
const MOST_WAIT_MS = 60_000

const fixedModel = 'up/gpt-4o-mini;delay=20'
/** Costs 0.0002 USD and some tokens; 1,000 tokens of output are the worst case, ten times as much. */
const variableModel = 'up/gpt-4o-mini;parts=10'
const worstNano = 2_300_000n

export const budgetSettings = (): Settings => ({
  models: {
    [fixedModel]: { price: { input: '0', output: '0', per_request: '0.01' } },
    [variableModel]: { price: { input: '0', output: '2', per_request: '0.0002' }, max_output_tokens: 4096 },
    'up/gpt-4o-mini;delay=10': { price },
  },
})

/** Every client of every replica calls until it was refused several times in a row. */
const spend = async (house: House, clients: number, name: string, key: string, ask: Settings): Promise<Seen[]> => {
  const seen: Seen[] = []
  const client = async (number: number) => {
    for (let call = 0, refusals = 0; refusals < REFUSALS; call++) {
      const answer = await house.caller.call({
        replica: number % house.replicas,
        key,
        id: `${name}-${number}-${call}`,
        ...(ask as { model: string; fields?: Settings }),
      })
      seen.push(answer)
      refusals = answer.status === 200 ? 0 : refusals + 1
      if (answer.status !== 200) await pause(REFUSED_PAUSE_MS)
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  return seen
}

const run = async (house: House, report: Report, { seconds }: Scale): Promise<void> => {
  // A short run is a smaller crowd: what is exact is exact with any.
  const clients = house.replicas * Math.min(CLIENTS, seconds)
  const fixed = await house.makeKey({ budget: { limit_usd: '1', window: 'total' } })
  const variable = await house.makeKey({ budget: { limit_usd: '0.01', window: 'total' } })
  const fixedSeen = await spend(house, clients, 'fixed', fixed.key, { model: fixedModel })
  const variableSeen = await spend(house, clients, 'variable', variable.key, {
    model: variableModel,
    fields: { max_tokens: 1_000 },
  })
  const seen = [...fixedSeen, ...variableSeen]
  const isRefusal = ({ status, code }: Seen) => status === 429 && code === 'budget_exceeded'
  report.note('clients', clients)
  report.note('calls', seen.length)
  report.exactly(
    'answers other than 200 and budget_exceeded',
    seen.filter((one) => one.status !== 200 && !isRefusal(one)).length,
    0,
  )
  report.note('answers', tellStatuses(seen))
  report.exactly('room for 100: admitted', fixedSeen.filter(({ whole }) => whole).length, ROOM)
  const entries = await settledEntries(house)
  const costOf = (id: string) =>
    entries.filter(({ key_id }) => key_id === id).reduce((sum, { cost_nano }) => sum + BigInt(cost_nano ?? '0'), 0n)
  report.exactly('room for 100: spent', Number(costOf(fixed.id)) / 1e9, 1, 'USD')
  const spent = costOf(variable.id)
  report.atMost('variable cost: spent of 0.01', Number(spent) / 1e9, 0.01, 'USD')
  report.atMost('variable cost: left, of a worst case', Number(10_000_000n - spent) / Number(worstNano), 1, '×')
  const releasedMs = await until(
    'nothing is reserved',
    async () => (await readReserved(house)) === 0,
    MOST_WAIT_MS,
  ).catch(() => Number.POSITIVE_INFINITY)
  report.atMost('nothing reserved after', Math.round(releasedMs / 1000), 60, 's')
  report.exactly('disagreements of ledger and truth', disagreements(seen, await house.truth(), entries).length, 0)
  const { ok, text } = await house.verifyLedger()
  report.exactly('headgate ledger verify', ok ? 'clean' : text, 'clean')
}

export const budget: Drill = {
  name: 'budget',
  about:
    'three times 64 clients on a budget with room for 100 calls, then on one of variable cost: never a call too many',
  replicas: 3,
  backends: ['redis'],
  seconds: 64,
  config: budgetSettings,
  run,
}
