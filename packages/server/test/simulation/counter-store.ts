import type { CounterStore } from '../../src/kernel/counters.shared-store.ts'
import type { House } from './house.ts'
import type { Machine } from './stage.ts'

const RECONNECT_MS = 200

/** The way of one machine to the shared count: connected to, as Redis is, or asked each time, as PostgreSQL is. */
export const counterStoreOf = (house: House, machine: Machine): CounterStore => {
  const { world, counterLink, counters, settings, truth } = house
  let connected = !settings.connectedCounters
  let opened = 0
  let lost: (error: unknown) => void = () => undefined

  const connect = (mine: number, onReady: () => void): void => {
    if (mine !== opened) return
    counterLink
      .ask(machine, 'read', 'connect', () => undefined)
      .then(
        () => {
          if (mine !== opened) return
          connected = true
          onReady()
        },
        () => void world.schedule(machine, RECONNECT_MS, 'reconnect', () => connect(mine, onReady)),
      )
  }
  let ready: () => void = () => undefined

  const ask = <T>(label: string, work: () => T): Promise<T> =>
    counterLink.ask(machine, 'read', label, work).catch((cause: unknown) => {
      if (settings.connectedCounters && connected) {
        connected = false
        lost(cause)
        connect(opened, ready)
      }
      throw cause
    })

  return {
    name: 'The shared count',
    open: (onReady, onLost) => {
      opened += 1
      lost = onLost
      ready = onReady
      if (!settings.connectedCounters) return onReady()
      connected = false
      connect(opened, onReady)
    },
    isReady: () => connected,
    take: (question) =>
      ask('take', () => {
        const answer = counters.take(question)
        if (answer.allowed) truth.limits.granted(question.holder)
        return answer
      }),
    correct: (corrections) => ask('correct', () => counters.correct(corrections)),
    renew: (holdings, leaseMs) => ask('renew', () => counters.renew(holdings, leaseMs)),
    present: async () => {
      const peers = await ask('present', () => counters.present(`${machine.name}.${machine.life}`))
      house.heardPeers(machine, peers)
      return peers
    },
    close: () => ask('leave', () => counters.leave(`${machine.name}.${machine.life}`)).catch(() => undefined),
  }
}
