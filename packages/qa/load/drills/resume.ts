import { plainWording } from '../../upstream/words.ts'
import { startFaultProxy } from '../../faults/tcp-proxy.ts'
import { disagreements, settledEntries } from '../books.ts'
import type { Drill, Scale } from '../drill.ts'
import { type House, price, type Settings } from '../house.ts'
import { pause, seeded, until, wallNow } from '../pace.ts'
import type { Report } from '../report.ts'
import { type Attempt, type Read, readResuming } from './resuming-reader.ts'

/** Who cuts a stream off. */
type Fault = 'client' | 'network' | 'upstream' | 'kill'

/** One stream of the plan. */
interface Planned {
  readonly id: string
  readonly fault: Fault
  readonly model: string
  /** Its whole text. */
  readonly text: string
  /** Bytes of the body after which each connection is torn, and by which replica the next one goes. */
  readonly cuts: readonly { readonly after: number; readonly replica: number; readonly by: Attempt['by'] }[]
}

const AT_ONCE = 30
const MOST_KILLED_AT_ONCE = 25
/** About what an event takes on the wire. */
const EVENT_BYTES = 215
/** More than the head of an answer. */
const HEAD_BYTES = 2_000
/** How many different answers there are to be cut; each model of the scripted upstream has a price of its own. */
const WORDINGS = 12

const wordingsOf = (random: () => number) =>
  Array.from({ length: WORDINGS }, () => ({
    parts: 10 + Math.floor(random() * 50),
    words: 1 + Math.floor(random() * 3),
    multibyte: random() < 0.5,
    delay: Math.floor(random() * 12),
  }))
const KILLED = { parts: 300, words: 1, multibyte: false, delay: 40 }

const scriptOf = ({ parts, words, multibyte, delay }: typeof KILLED): string =>
  `up/gpt-4o-mini;parts=${parts};part-tokens=${words};part-delay=${delay}${multibyte ? ';utf8' : ''}`

/** The same plan for the same seed; `replicas` only decides who is asked. */
const planOf = ({ seed, streams }: Scale, replicas: number): readonly Planned[] => {
  const random = seeded(seed)
  const wordings = wordingsOf(random)
  const upTo = (most: number) => Math.floor(random() * most)
  return Array.from({ length: streams }, (_, number): Planned => {
    const share = random()
    const fault = share < 0.35 ? 'client' : share < 0.6 ? 'network' : share < 0.85 ? 'upstream' : 'kill'
    const wording = fault === 'kill' ? KILLED : (wordings[upTo(WORDINGS)] as typeof KILLED)
    const bytes = (wording.parts + 3) * EVENT_BYTES
    const cuts = Array.from({ length: 1 + upTo(3) }, () => ({
      after: upTo(bytes),
      replica: upTo(replicas),
      by: random() < 0.5 ? ('header' as const) : ('query' as const),
    }))
    const at = fault === 'upstream' ? `;cut-at-byte=${upTo(bytes)};cut=${['close', 'end', 'fin'][upTo(3)]}` : ''
    const { text } = plainWording(wording.parts, wording.words, wording.multibyte)
    return { id: `stream-${number}-${fault}`, fault, model: scriptOf(wording) + at, text, cuts }
  })
}

const bodyOf = (model: string): string =>
  JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Say something.' }] })

/** What is wrong with what a reader has, in words; null where all is as it must be. */
export const faultOf = ({ fault, text }: Pick<Planned, 'fault' | 'text'>, read: Read): string | null => {
  const events = read.ids.length - (read.ids.length > 0 ? read.errors.length : 0)
  if (!read.ids.slice(0, events).every((id, index) => id === index + 1)) return `events ${read.ids.join(' ')}`
  if (read.done && read.errors.length > 0) return 'an error and [DONE]'
  if (read.done) return read.text === text ? null : `another text, of ${read.text.length} instead of ${text.length}`
  if (fault === 'client' || fault === 'network')
    return `not whole: ${read.status} ${read.errors.map(({ code }) => code).join(' ') || 'nothing told'}`
  if (read.errors.length !== 1) return `${read.errors.length} errors`
  const [error] = read.errors as [Read['errors'][number]]
  if (!text.startsWith(read.text)) return 'no prefix of the text'
  // Before the first part it is an ordinary error, and no stream.
  if (read.ids.length === 0) return fault === 'upstream' && read.status >= 500 ? null : `${read.status} ${error.code}`
  // A killed replica may have handed on events that it had not shared yet.
  const isPlace = fault === 'kill' ? (error.cursor ?? -1) <= events : error.cursor === events
  if (!isPlace) return `cursor ${error.cursor} after ${events} events`
  const wanted = fault === 'upstream' ? 'upstream_truncated' : 'stream_interrupted'
  return error.code === wanted ? null : error.code
}

/** Those that are cut by their client, the network or the upstream; some at a time. */
const readCut = async (house: House, key: string, planned: readonly Planned[]) => {
  const results = new Map<string, Read>()
  const waiting = [...planned]
  const work = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const { id, fault, model, cuts } = one
      const owner = cuts[0]?.replica ?? 0
      const proxy =
        fault === 'network'
          ? await startFaultProxy({ target: { host: '127.0.0.1', port: Number(new URL(house.urlOf(owner)).port) } })
          : null
      proxy?.set({ down: { resetAfter: HEAD_BYTES + (cuts[0]?.after ?? 0) } })
      const attempts = (connection: number): Attempt => {
        const cut = cuts[connection]
        if (connection === 0) {
          const url = `${proxy?.url ?? house.urlOf(owner)}/v1/chat/completions`
          return { url, cutAfter: fault === 'client' ? (cut?.after ?? null) : null, by: 'header' }
        }
        const { replica, by } = cut ?? (cuts.at(-1) as Planned['cuts'][number])
        // The last connection is left alone.
        return { url: house.urlOf((replica + connection) % house.replicas), cutAfter: cut?.after ?? null, by }
      }
      results.set(id, await readResuming({ key, id, body: bodyOf(model), attempts }))
      await proxy?.close()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return results
}

/** Those whose replica is killed: all of a wave run on the last one, and their readers go on at the first. */
const readKilled = async (house: House, key: string, planned: readonly Planned[], random: () => number) => {
  const results = new Map<string, Read>()
  const victim = house.replicas - 1
  for (let from = 0; from < planned.length; from += MOST_KILLED_AT_ONCE) {
    const wave = planned.slice(from, from + MOST_KILLED_AT_ONCE)
    const flowing = new Set<string>()
    const readers = wave.map(async ({ id, model }) => {
      const attempts = (connection: number): Attempt => {
        const isFirst = connection === 0
        const url = isFirst ? `${house.urlOf(victim)}/v1/chat/completions` : house.urlOf(0)
        return { url, cutAfter: null, by: connection % 2 === 0 ? 'query' : 'header' }
      }
      const onProgress = () => flowing.add(id)
      results.set(id, await readResuming({ key, id, body: bodyOf(model), attempts, onProgress }))
    })
    await until('all streams of the wave flow', () => flowing.size === wave.length, 30_000)
    await pause(random() * 2_000)
    await house.kill(victim)
    await Promise.all(readers)
    // What it left open is settled by its journal.
    await house.restart(victim)
  }
  return results
}

const run = async (house: House, report: Report, scale: Scale): Promise<void> => {
  const { key } = await house.makeKey()
  const begunAt = wallNow()
  const plan = planOf(scale, house.replicas)
  const isKilled = ({ fault }: Planned) => fault === 'kill'
  const results = new Map([
    ...(await readCut(
      house,
      key,
      plan.filter((one) => !isKilled(one)),
    )),
    ...(await readKilled(house, key, plan.filter(isKilled), seeded(scale.seed + 1))),
  ])
  const truth = (await house.truth()).filter(({ received_at }) => received_at >= begunAt)
  const entries = (await settledEntries(house)).filter(({ client_request_id }) => results.has(client_request_id))
  const wrong: string[] = []
  const counts = { whole: 0, prefix: 0, connections: 0 }
  for (const planned of plan) {
    const read = results.get(planned.id) as Read
    const fault = faultOf(planned, read)
    if (fault !== null) wrong.push(`${planned.id} (${planned.model}): ${fault}`)
    counts.connections += read.connections
    if (read.done) counts.whole += 1
    else counts.prefix += 1
  }
  for (const fault of ['client', 'network', 'upstream', 'kill'] as const)
    report.note(`streams cut by: ${fault}`, plan.filter((one) => one.fault === fault).length)
  report.note('connections of their readers', counts.connections)
  report.note('read whole', counts.whole)
  report.note('a prefix and one error', counts.prefix)
  report.exactly('streams that are not the truth', wrong.length, 0)
  for (const words of wrong.slice(0, 10)) report.note('not the truth', words)
  const rows = new Map<string, number>()
  for (const { client_request_id } of entries) rows.set(client_request_id, (rows.get(client_request_id) ?? 0) + 1)
  report.exactly('streams billed once', plan.filter(({ id }) => rows.get(id) === 1).length, plan.length)
  const seen = [...results].map(([id, { done, status, errors }]) => ({
    id,
    whole: done,
    broken: !done && status < 400,
    status,
    code: errors[0]?.code ?? null,
  }))
  const faults = disagreements(seen, truth, entries)
  report.exactly('disagreements of ledger and truth', faults.length, 0)
  for (const words of faults.slice(0, 10)) report.note('disagreement', words)
  const { ok, text } = await house.verifyLedger()
  report.exactly('headgate ledger verify', ok ? 'clean' : text, 'clean')
}

/** What the drill sets: a price for every script of its plan. */
export const resumeSettings = (scale: Scale): Settings => ({
  models: Object.fromEntries(planOf(scale, 1).map(({ model }) => [model, { price, max_output_tokens: 4096 }])),
})

export const resume: Drill = {
  name: 'resume',
  about:
    'streams cut at a random byte by their client, the network or the provider, or whose replica is killed: read on elsewhere they are the truth, or a prefix of it and one error, billed once',
  replicas: 3,
  backends: ['redis'],
  seconds: 90,
  config: resumeSettings,
  run,
}
