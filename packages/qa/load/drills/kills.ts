import type { Seen } from '../caller.ts'
import { type Drill, type Scale, tellStatuses } from '../drill.ts'
import { disagreements, readReserved, settledEntries } from '../books.ts'
import { type House, price } from '../house.ts'
import { pause, seeded, until } from '../pace.ts'
import type { Report } from '../report.ts'

const ROUNDS = 100
const CLIENTS = 12
const MOST_WAIT_MS = 60_000
const models = ['up/gpt-4o-mini', 'up/gpt-4o-mini;parts=20;part-delay=5', 'up/gpt-4o-mini;delay=30']

/** Clients that go on at another replica when one does not answer, until they are told to end. */
const startClients = (house: House, keys: readonly string[], random: () => number) => {
  const seen: Seen[] = []
  let over = false
  const client = async (number: number) => {
    for (let call = 0; !over; call++) {
      const start = Math.floor(random() * house.replicas)
      for (let attempt = 0; attempt < house.replicas; attempt++) {
        const answer = await house.caller.call({
          replica: (start + attempt) % house.replicas,
          key: keys[number % keys.length] as string,
          model: models[(number + call) % models.length] as string,
          stream: call % 2 === 0,
          id: `client-${number}-${call}-${attempt}`,
          fields: { max_tokens: 50 },
        })
        seen.push(answer)
        if (answer.whole) break
        await pause(20)
      }
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number))
  return {
    seen,
    stop: async () => {
      over = true
      await Promise.all(clients)
    },
  }
}

const run = async (house: House, report: Report, { seconds, seed }: Scale): Promise<void> => {
  const random = seeded(seed)
  const budget = { limit_usd: '1000', window: 'total' }
  const keys = [
    (await house.makeKey({ budget })).key,
    (await house.makeKey({ budget })).key,
    (await house.makeKey()).key,
  ]
  const clients = startClients(house, keys, random)
  const deadline = performance.now() + seconds * 1000
  const readyMs: number[] = []
  let rounds = 0
  for (; rounds < ROUNDS && performance.now() < deadline; rounds++) {
    await pause(100 + random() * 500)
    // Every fourth time two die at once.
    const first = Math.floor(random() * house.replicas)
    const victims = random() < 0.25 ? [first, (first + 1) % house.replicas] : [first]
    await Promise.all(victims.map((replica) => house.kill(replica)))
    const begun = performance.now()
    await Promise.all(victims.map((replica) => house.restart(replica)))
    readyMs.push(performance.now() - begun)
  }
  await pause(500)
  await clients.stop()
  const releasedMs = await until(
    'nothing is reserved',
    async () => (await readReserved(house)) === 0,
    MOST_WAIT_MS,
  ).catch(() => Number.POSITIVE_INFINITY)
  const entries = await settledEntries(house)
  const truth = await house.truth()
  report.atLeast('rounds of kill -9', rounds, Math.min(ROUNDS, Math.floor(seconds / 10)))
  report.note('attempts', clients.seen.length)
  report.note('whole answers', clients.seen.filter(({ whole }) => whole).length)
  report.note('answers', tellStatuses(clients.seen))
  report.note('rows of the ledger', entries.length)
  report.note('rows of outcome killed', entries.filter(({ outcome }) => outcome === 'killed').length)
  report.note('ready again after, longest', Math.max(0, ...readyMs), 'ms')
  report.atMost('nothing reserved after', Math.round(releasedMs / 1000), 60, 's')
  const faults = disagreements(clients.seen, truth, entries)
  report.exactly('disagreements of ledger and truth', faults.length, 0)
  for (const fault of faults.slice(0, 10)) report.note('disagreement', fault)
  const { ok, text } = await house.verifyLedger()
  report.exactly('headgate ledger verify', ok ? 'clean' : text, 'clean')
}

export const kills: Drill = {
  name: 'kills',
  about:
    '100 rounds of kill -9 at one or two of three replicas under clients that try again: nothing is lost, doubled or kept reserved',
  replicas: 3,
  backends: ['redis'],
  seconds: 600,
  config: () => ({
    models: Object.fromEntries(models.map((model) => [model, { price, max_output_tokens: 4096 }])),
  }),
  run,
}
