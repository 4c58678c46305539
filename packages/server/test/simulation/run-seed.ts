import { randomHex } from '../../src/kernel/ids.ts'
import { makeCall } from './call.ts'
import { createFaults } from './faults.ts'
import { buildHouse } from './build-house.ts'
import type { House } from './house.ts'
import { type Breach, Killed, stage } from './stage.ts'
import { createWorld } from './world.ts'

/** What became of one seed. */
export interface SeedReport {
  readonly seed: number
  readonly breaches: readonly Breach[]
  /** Two runs of a seed have the same. */
  readonly digest: string
  readonly events: number
  readonly calls: number
  readonly settled: number
}

/** Freezes (70 s) and waits to be over, and what was asked for at their end, with nobody to speak for it, to expire (60 s). */
const RECOVERY_MS = 140_000
/** When calls are over and leases not yet expired. */
const QUIET_MS = 45_000
const SETTLED_MS = 15_000
const STOPPING_MS = 400
/** How often the house is looked at. */
const LOOK_MS = 2_000
const LEFTOVER_BYTES = 4096

const traffic = (house: House, until: number): void => {
  const { world, settings, replicas } = house
  const { random } = world
  const next = () => {
    if (world.time() >= until) return
    // Callers come alone, and sometimes many at once.
    for (let calls = random.chance(0.05) ? 2 + random.below(20) : 1; calls > 0; calls--) {
      const up = [...replicas.values()].filter(({ draining }) => !draining)
      if (up.length === 0) break
      const replica = random.pick(up)
      const caller = random.pick(settings.callers)
      world.schedule(replica.machine, random.between(0, 1), 'a call', () => makeCall(house, replica, caller))
    }
    world.schedule(null, random.between(0, settings.pauseMs * 2), 'traffic', next)
  }
  world.schedule(null, 200, 'traffic', next)
}

/** A process that has nothing to do any more keeps no money, nor forgets that it has some. */
const judgeIdleLeases = ({ world, money, epochs, orphans, replicas }: House): void => {
  for (const { id, epoch } of money.leases.values()) {
    const machine = epochs.get(epoch)
    const replica = machine === undefined ? undefined : replicas.get(machine.name)
    if (machine === undefined || orphans.has(id) || replica?.machine !== machine || replica.calls.size > 0) continue
    if (machine.frozenUntil() < world.time() - SETTLED_MS)
      world.breach('no lease is forgotten', `${id} of ${machine.name}`)
  }
}

/** What is not at rest: held, waiting, or on its way. */
const unrest = ({ money, replicas, counters, settings }: House): readonly (readonly [rule: string, what: string])[] => {
  const found: (readonly [string, string])[] = []
  for (const [name, { leased }] of money.windows)
    if (leased !== 0n) found.push(['reserved comes back to nothing', `${name}: ${leased}`])
  for (const project of ['p1', 'p2']) {
    const { size } = counters.holders(`policy:places:2:${project}`)
    if (size > 0) found.push(['places come back', `${size} of ${project}`])
  }
  if (replicas.size !== settings.replicas) found.push(['all replicas are up', `${replicas.size}`])
  for (const [name, { ledger, queue, calls, counters: counting }] of replicas) {
    const stats = ledger.stats()
    if (stats.openHolds + stats.queued + stats.refusedRows + stats.leases > 0 || stats.behind || stats.journal !== 'ok')
      found.push(['a ledger comes to rest', `${name}: ${JSON.stringify(stats)}`])
    for (const { inFlight, waiting } of queue.read())
      if (inFlight + waiting > 0) found.push(['places come back', `${name}: ${inFlight} under way, ${waiting} wait`])
    if (calls.size > 0) found.push(['every call ends', `${name}: ${calls.size}`])
    if (counting.health().state !== 'ok') found.push(['counts are shared again', name])
  }
  return found
}

/** Lets the house come to rest, and judges it. */
const comeToRest = async (house: House): Promise<void> => {
  const { world, truth } = house
  const from = world.time()
  let isJudged = false
  for (let passed = LOOK_MS; passed <= RECOVERY_MS && unrest(house).length > 0; passed += LOOK_MS) {
    await world.runUntil(from + passed)
    if (passed < QUIET_MS || isJudged) continue
    isJudged = true
    judgeIdleLeases(house)
  }
  for (const [rule, what] of unrest(house)) world.breach(rule, what)
  truth.judge()
}

/** Plays one seed from its beginning to its end. @param tell given each line of the history */
export const runSeed = async (seed: number, tell: ((line: string) => void) | null = null): Promise<SeedReport> => {
  // What a former seed left in the pool of random bytes must decide nothing.
  stage.world = null
  randomHex(LEFTOVER_BYTES)
  const world = createWorld(seed, tell)
  stage.world = world
  const onRejection = (cause: unknown) => {
    if (!(cause instanceof Killed)) world.breach('no error is left over', String(cause))
  }
  process.on('unhandledRejection', onRejection)
  try {
    const house = buildHouse(world)
    const { settings, truth, money } = house
    world.note(JSON.stringify(settings, (_key, value) => (typeof value === 'bigint' ? String(value) : value)))
    const faults = createFaults(house)
    faults.startAll()
    traffic(house, settings.trafficMs)
    faults.plan(settings.trafficMs)
    await world.runUntil(settings.trafficMs)
    faults.heal()
    await comeToRest(house)
    // Who is stopped in good order leaves nothing to who comes after.
    faults.stopAll()
    await world.runUntil(world.time() + STOPPING_MS)
    await comeToRest(house)
    const settled = [...truth.calls.values()].filter(({ state }) => state === 'ended').length
    world.note(`${truth.calls.size} calls, ${settled} settled, ${money.rows.size} rows`)
    const { breaches } = world
    return { seed, breaches, digest: world.digest(), events: world.events(), calls: truth.calls.size, settled }
  } finally {
    process.off('unhandledRejection', onRejection)
    stage.world = null
  }
}
