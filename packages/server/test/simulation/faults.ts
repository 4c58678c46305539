import type { House } from './house.ts'
import type { Link } from './link.ts'
import { createMachine } from './machine.ts'
import type { Machine } from './stage.ts'
import { bootReplica } from './replica.ts'

/** How long after a line was written a well disk has it for sure: two syncs, each begun 50 ms after the one before. */
const SURE_AFTER_MS = 600
/** How long a disk that is well again needs until what was written meanwhile is on it. */
const REPAIRED_AFTER_MS = 1_500

/** What is wrong with a replica, or was a moment ago. */
interface Trouble {
  life: number
  wallOffset: number
  powerCut: boolean
  /** The last time that its disk failed or it stood still: from, to. */
  from: number
  to: number
}

/** Everything that goes wrong, by the world's seed. */
export const createFaults = (house: House) => {
  const { world, settings, moneyLink, counterLink, truth, disks, replicas } = house
  const { random } = world
  const troubles = new Map<string, Trouble>()
  let healed = false

  const troubleOf = (name: string): Trouble => {
    const found = troubles.get(name) ?? { life: 0, wallOffset: 0, powerCut: false, from: -1, to: -1 }
    troubles.set(name, found)
    return found
  }

  const diskOf = (name: string) => {
    const disk = disks.get(name)
    if (!disk) throw new Error(`${name} has no disk`)
    return disk
  }

  const inTrouble = (name: string, milliseconds: number): void => {
    const trouble = troubleOf(name)
    if (trouble.to < world.time()) trouble.from = world.time()
    trouble.to = Math.max(trouble.to, world.time() + milliseconds + REPAIRED_AFTER_MS)
  }

  const start = (name: string): void => {
    const trouble = troubleOf(name)
    trouble.life += 1
    const machine = createMachine(world, name, trouble.life, trouble.wallOffset, buried)
    world.schedule(machine, 0, 'boot', () => {
      world.note(`${name} starts for the ${trouble.life}. time`)
      bootReplica(house, machine).then(
        (replica) => {
          if (!machine.isDead()) replicas.set(name, replica)
        },
        (cause: unknown) => {
          if (!machine.isDead()) world.breach('a replica starts', String(cause))
        },
      )
    })
  }

  /** Sees what a dead process left, and starts the next one some time. */
  const buried = ({ name }: Machine): void => {
    replicas.delete(name)
    const trouble = troubleOf(name)
    const disk = diskOf(name)
    world.schedule(null, 0, 'autopsy', () => {
      disk.closeAll()
      let unsureSince = Number.POSITIVE_INFINITY
      if (trouble.powerCut) {
        disk.cutPower()
        unsureSince = world.time() - SURE_AFTER_MS
        if (trouble.to > unsureSince) unsureSince = Math.min(unsureSince, trouble.from - SURE_AFTER_MS)
      }
      trouble.powerCut = false
      truth.inspect(name, disk, unsureSince)
    })
    const pause = healed ? 100 : random.chance(0.8) ? random.between(20, 3_000) : random.between(3_000, 80_000)
    world.schedule(null, pause, 'restart', () => start(name))
  }

  const running = (): Machine | undefined => {
    const machines = [...replicas.values()].map(({ machine }) => machine)
    return machines.length === 0 ? undefined : random.pick(machines)
  }

  const forAWhile = (most: number, what: string, begin: () => void, end: () => void): void => {
    const milliseconds = random.between(20, random.chance(0.8) ? most / 6 : most)
    world.note(`${what} for ${Math.round(milliseconds)} ms`)
    begin()
    world.schedule(null, milliseconds, `${what} is over`, () => {
      if (!healed) end()
    })
  }

  const stopGracefully = (machine: Machine): void => {
    const replica = replicas.get(machine.name)
    if (!replica) return
    world.note(`${machine.name} drains`)
    replicas.delete(machine.name)
    replica.draining = true
    world.schedule(machine, 0, 'drain', () => {
      replica.queue.drain()
      const finish = async () => {
        await replica.admission.stop?.()
        await replica.ledger.stop?.()
        await replica.counters.close()
        machine.kill()
      }
      const look = () => {
        if (replica.calls.size > 0) return void machine.clock.after(20, look)
        finish().catch((cause: unknown) => {
          if (!machine.isDead()) world.breach('a replica stops', String(cause))
        })
      }
      look()
    })
  }

  const stopStore = ({ state }: Link, milliseconds: number): void => {
    state.frozenUntil = Math.max(state.frozenUntil, world.time() + milliseconds)
  }

  const ofMachines: Readonly<Record<string, (machine: Machine) => void>> = {
    kill: (machine) => machine.killAfter(random.below(12)),
    'cut the power': (machine) => {
      troubleOf(machine.name).powerCut = true
      machine.killAfter(random.below(12))
      // It dies by its next steps, or at once where it does nothing.
      world.schedule(null, 30, 'power', () => machine.kill())
    },
    freeze: (machine) => {
      const milliseconds = random.between(50, random.chance(0.7) ? 3_000 : 70_000)
      world.note(`${machine.name} freezes for ${Math.round(milliseconds)} ms`)
      inTrouble(machine.name, milliseconds)
      machine.freeze(milliseconds)
    },
    restart: stopGracefully,
    'turn the clock': (machine) => {
      const change = random.pick([-3_600_000, 3_600_000, 600_000, -5_000, 34_560_000_000])
      troubleOf(machine.name).wallOffset += change
      machine.turnClock(change)
    },
    'cut off from money': ({ name }) =>
      forAWhile(
        20_000,
        `${name} is cut off from money`,
        () => moneyLink.state.cutOff.add(name),
        () => moneyLink.state.cutOff.delete(name),
      ),
    'cut off from counts': ({ name }) =>
      forAWhile(
        20_000,
        `${name} is cut off from counts`,
        () => counterLink.state.cutOff.add(name),
        () => counterLink.state.cutOff.delete(name),
      ),
    'fail the disk': ({ name }) => {
      const disk = diskOf(name)
      const fault = random.chance(0.5) ? 'full' : 'sync-fails'
      inTrouble(name, 5_000)
      forAWhile(
        5_000,
        `the disk of ${name} is ${fault}`,
        () => disk.setFault(fault),
        () => disk.setFault('none'),
      )
    },
  }

  const ofStores: Readonly<Record<string, () => void>> = {
    'money down': () =>
      forAWhile(
        20_000,
        'money is down',
        () => void (moneyLink.state.down = true),
        () => void (moneyLink.state.down = false),
      ),
    'money slow': () =>
      forAWhile(
        15_000,
        'money is slow',
        () => void (moneyLink.state.slowestMs = random.between(5, 1_500)),
        () => void (moneyLink.state.slowestMs = 1.5),
      ),
    'money loses answers': () =>
      forAWhile(
        15_000,
        'money loses answers',
        () => void (moneyLink.state.lossy = random.between(0.05, 0.7)),
        () => void (moneyLink.state.lossy = 0),
      ),
    'money frozen': () => stopStore(moneyLink, random.between(50, 12_000)),
    'counts down': () =>
      forAWhile(
        20_000,
        'counts are down',
        () => void (counterLink.state.down = true),
        () => void (counterLink.state.down = false),
      ),
    'counts slow': () =>
      forAWhile(
        15_000,
        'counts are slow',
        () => void (counterLink.state.slowestMs = random.between(5, 300)),
        () => void (counterLink.state.slowestMs = 1.5),
      ),
    'counts lose answers': () =>
      forAWhile(
        15_000,
        'counts lose answers',
        () => void (counterLink.state.lossy = random.between(0.02, 0.5)),
        () => void (counterLink.state.lossy = 0),
      ),
    'counts frozen': () => stopStore(counterLink, random.between(20, 8_000)),
    'counts emptied': () => {
      house.counters.flush()
      truth.limits.emptied()
    },
  }

  const happen = (): void => {
    if (random.chance(0.6)) {
      const machine = running()
      if (machine === undefined) return
      const name = random.pick(Object.keys(ofMachines))
      world.note(`${name}: ${machine.name}`)
      ofMachines[name]?.(machine)
    } else {
      const name = random.pick(Object.keys(ofStores))
      world.note(name)
      ofStores[name]?.()
    }
  }

  return {
    startAll: () => {
      for (const name of disks.keys()) start(name)
    },
    /** Lets things go wrong until a time. */
    plan: (until: number) => {
      if (settings.calm) return
      const pause = random.between(300, 4_000)
      const next = () => {
        if (world.time() >= until) return
        happen()
        world.schedule(null, random.between(pause / 4, pause * 2), 'fault', next)
      }
      world.schedule(null, random.between(500, 3_000), 'fault', next)
    },
    /** From now on all is well; who is dead starts again. */
    heal: () => {
      healed = true
      world.note('all is well again')
      moneyLink.heal()
      counterLink.heal()
      for (const disk of disks.values()) disk.setFault('none')
    },
    stopAll: () => {
      for (const { machine } of [...replicas.values()]) stopGracefully(machine)
    },
  }
}
