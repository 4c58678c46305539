import type { Drill, Scale } from '../drill.ts'
import type { House } from '../house.ts'
import { pause, seeded, until } from '../pace.ts'
import type { Report } from '../report.ts'

const PEOPLE = 1_500
const AT_ONCE = 8
const CLIENTS = 6
const MOST_WAIT_MS = 60_000

interface EncryptionView {
  readonly rotation: { readonly state: string; readonly version: number; readonly remaining: number }
  readonly keys: readonly { readonly version: number; readonly state: string; readonly data_keys: number }[]
}
interface Session {
  readonly id: string
  readonly title: string
}

/** People with a session each, read and written at all replicas; what came otherwise than asked is counted. */
const createPeople = (house: House, key: string) => {
  const counts = { calls: 0, faults: 0, wrong: 0, away: 0 }
  const sessions = new Map<number, Session>()
  /** One call; null where the replica was away. */
  const ask = async (replica: number, person: number, path: string, body?: object): Promise<Session | null> => {
    let answer: Response
    let text: string
    try {
      answer = await fetch(house.urlOf(replica) + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'x-headgate-user': `person-${person}`,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      text = await answer.text()
    } catch {
      counts.away++
      return null
    }
    counts.calls++
    if (answer.status < 300) return JSON.parse(text) as Session
    counts.faults++
    return null
  }
  return {
    counts,
    make: async (replica: number, person: number): Promise<void> => {
      const made = await ask(replica, person, '/v1/sessions', { title: `Title of ${person}` })
      if (made) sessions.set(person, made)
    },
    read: async (replica: number, person: number): Promise<void> => {
      const kept = sessions.get(person)
      if (kept === undefined) return
      const found = await ask(replica, person, `/v1/sessions/${kept.id}`)
      if (found !== null && found.title !== kept.title) counts.wrong++
    },
  }
}

const standing = async (house: House, replica: number): Promise<EncryptionView> =>
  (await (await house.request('/admin/v1/encryption', { replica })).json()) as EncryptionView

/** One rotation, whose replica is killed in the middle of it. */
const rotate = async (house: House, victim: number, waitMs: number) => {
  const helper = (victim + 1) % house.replicas
  await house.request('/admin/v1/encryption/rotations', { body: {}, replica: victim })
  await pause(waitMs)
  await house.kill(victim)
  const atKill = await standing(house, helper)
  const former = atKill.keys.filter(({ state }) => state === 'deactivated').map(({ version }) => version)
  const early = atKill.rotation.remaining > 0 && (await destroy(house, helper, former.at(0) as number)) === 409
  await until(
    'the others have gone on',
    async () => (await standing(house, helper)).rotation.state === 'idle',
    MOST_WAIT_MS,
  )
  const uses = (await standing(house, helper)).keys.filter(({ version }) => former.includes(version))
  const destroyed: number[] = []
  for (const version of former) destroyed.push(await destroy(house, helper, version))
  await house.restart(victim)
  return {
    inTheMiddle: atKill.rotation.remaining > 0,
    early,
    uses: uses.reduce((sum, { data_keys: count }) => sum + count, 0),
    destroyed: destroyed.every((status) => status === 200),
  }
}

const destroy = async (house: House, replica: number, version: number): Promise<number> =>
  (await house.request(`/admin/v1/encryption/keys/${version}`, { method: 'DELETE', replica })).status

const run = async (house: House, report: Report, { seconds, seed }: Scale): Promise<void> => {
  const random = seeded(seed)
  const people = createPeople(house, (await house.makeKey()).key)
  let next = 0
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < PEOPLE) {
        const person = next++
        await people.make(person % house.replicas, person)
      }
    }),
  )
  let over = false
  const clients = Array.from({ length: CLIENTS }, async (_, number) => {
    for (let turn = 0; !over; turn++) {
      const person = Math.floor(random() * PEOPLE)
      const replica = Math.floor(random() * house.replicas)
      if (turn % 5 === 0) await people.make(replica, PEOPLE + number * 1_000_000 + turn)
      else await people.read(replica, person)
      if (turn % 10 === 0) await pause(5)
    }
  })
  const deadline = performance.now() + seconds * 1_000
  const rounds: Awaited<ReturnType<typeof rotate>>[] = []
  do {
    rounds.push(await rotate(house, rounds.length % house.replicas, 50 + random() * 400))
  } while (performance.now() < deadline)
  over = true
  await Promise.all(clients)
  for (let person = 0; person < PEOPLE; person++) await people.read(person % house.replicas, person)

  const middle = rounds.filter(({ inTheMiddle }) => inTheMiddle)
  report.note('rotations', rounds.length)
  report.atLeast('of them killed in the middle', middle.length, 1)
  report.note('calls under way meanwhile', people.counts.calls)
  report.note('calls that met a killed replica', people.counts.away)
  report.exactly('answers other than 2xx', people.counts.faults, 0)
  report.exactly('texts that came back otherwise', people.counts.wrong, 0)
  report.exactly('former keys destroyed while in use', middle.filter(({ early }) => !early).length, 0)
  report.exactly(
    'uses of former keys before they were destroyed',
    rounds.reduce((sum, { uses }) => sum + uses, 0),
    0,
  )
  report.exactly(
    'rotations whose former key was destroyed',
    rounds.filter(({ destroyed }) => destroyed).length,
    rounds.length,
  )
}

/** The encryption key is rotated again and again under load, and each time the replica that rewraps is killed. */
export const rotation: Drill = {
  name: 'rotation',
  about: 'the encryption key is rotated under load, with a kill -9 in the middle of each',
  replicas: 3,
  backends: ['postgres'],
  seconds: 60,
  config: () => ({ sessions: { max_sessions: 100_000 } }),
  run,
}
