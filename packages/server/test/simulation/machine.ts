import type { Clock } from '../../src/kernel/clock.ts'
import { Killed, type Machine, type World } from './stage.ts'

const EPOCH = Date.UTC(2030, 0, 31, 22, 50)

/** Starts a process. `onDeath` is called at once when it dies. */
export const createMachine = (
  world: World,
  name: string,
  life: number,
  wallOffset: number,
  onDeath: (machine: Machine) => void,
): Machine => {
  const bootedAt = world.time()
  let dead = false
  let frozenUntil = 0
  let offset = wallOffset
  let stepsLeft = Number.POSITIVE_INFINITY

  const kill = (): void => {
    if (dead) return
    dead = true
    world.note(`${name} dies`)
    onDeath(machine)
  }

  const clock: Clock = {
    now: () => Math.floor(EPOCH + world.time() + offset),
    monotonic: () => world.time() - bootedAt + 1_000,
    after: (milliseconds, callback) => world.schedule(machine, milliseconds, 'timer', callback),
    every: (milliseconds, callback) => {
      let timer = world.schedule(machine, milliseconds, 'interval', function tick() {
        timer = world.schedule(machine, milliseconds, 'interval', tick)
        callback()
      })
      return { cancel: () => timer.cancel() }
    },
  }

  const machine: Machine = {
    name,
    life,
    clock,
    faultPoints: {
      pass: (point) => {
        machine.step()
        void point
      },
    },
    isDead: () => dead,
    frozenUntil: () => frozenUntil,
    step: () => {
      if (!dead && --stepsLeft < 0) kill()
      if (dead) throw new Killed(`${name} is dead`)
    },
    killAfter: (steps) => {
      stepsLeft = Math.min(stepsLeft, steps)
    },
    kill,
    freeze: (milliseconds) => {
      frozenUntil = Math.max(frozenUntil, world.time() + milliseconds)
    },
    turnClock: (milliseconds) => {
      offset += milliseconds
    },
  }
  return machine
}
