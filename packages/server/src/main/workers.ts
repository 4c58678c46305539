import cluster, { type Worker } from 'node:cluster'
import type { FirstStart } from '../compose/greeting.ts'
import type { StorageGround } from '../compose/storage.ts'
import { systemClock } from '../kernel/clock.ts'
import { createCountersDoor } from '../kernel/counters.door.ts'
import type { LineOutput, Log } from '../kernel/log.ts'
import { writeCrewMetrics } from '../kernel/metrics.ts'
import { mergeMetrics } from '../kernel/metrics-merge.ts'
import type { Order, Report } from './messages.ts'
import { createRestarts } from './restarts.ts'

/** Workers end again and again: nobody is served by starting them once more. */
export class WorkersFailed extends Error {
  override readonly name = 'WorkersFailed'
}

export interface WorkersOptions {
  readonly size: number
  readonly ground: Pick<StorageGround, 'connection' | 'promise'>
  /** Whether limits are counted here, for all of them. */
  readonly counts: boolean
  readonly log: Log
  readonly output: Pick<LineOutput, 'write'>
  /** Told once when there is no use in starting workers again; they are still to be drained. */
  readonly onFailed: (cause: Error) => void
}

/** What all workers came to when each had started once. */
export interface Begun {
  readonly port: number
  readonly made: FirstStart
}

interface Member {
  readonly worker: Worker
  ready: boolean
}

/** A worker that does not answer for its metrics within this time is left out. */
const EXPOSE_MS = 2_000

/** Passes on whole lines: what several processes write at once would else be mixed up within lines. */
const relayLines = (worker: Worker, output: Pick<LineOutput, 'write'>): void => {
  let rest = ''
  const { stdout } = worker.process
  stdout?.setEncoding('utf8')
  stdout?.on('data', (chunk: string) => {
    const end = chunk.lastIndexOf('\n')
    if (end === -1) rest += chunk
    else {
      output.write(rest + chunk.slice(0, end + 1))
      rest = chunk.slice(end + 1)
    }
  })
  // What a killed worker left of a line is none.
}

/**
 * Starts the worker processes on one port, starts those again that end, and carries word between them. Connections are accepted here and
 * handed over whole, in turn: what goes over them never passes through this process.
 */
export const createWorkers = (options: WorkersOptions) => {
  const { size, ground, log } = options
  const members = new Map<number, Member>()
  const door = createCountersDoor(systemClock)
  const restarts = createRestarts(() => performance.now())
  const begun = Promise.withResolvers<Begun>()
  const gone = Promise.withResolvers<void>()
  const expected = new Map<number, (number: number, text: string) => void>()
  let made: FirstStart = {}
  let port = 0
  let questions = 0
  let restarted = 0
  let hasBegun = false
  let ending = false
  /** Any worker that ended otherwise than well while all were to end. */
  let isClean = true

  const readyCount = (): number => [...members.values()].filter(({ ready }) => ready).length
  const send = (member: Member, order: Order): void => {
    // One that is ending has no channel; its end is told by itself.
    if (member.worker.isConnected()) member.worker.process.send(order, undefined, undefined, () => undefined)
  }
  const announce = (): void => {
    for (const member of members.values()) send(member, { order: 'crew', ready: readyCount() })
  }

  const expose = async (asker: Member, id: number): Promise<void> => {
    const asked = ++questions
    const asking = [...members].filter(([, { ready }]) => ready)
    const texts = new Map<number, string>()
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, EXPOSE_MS)
      expected.set(asked, (number, text) => {
        texts.set(number, text)
        if (texts.size < asking.length) return
        clearTimeout(limit)
        resolve()
      })
      for (const [, member] of asking) send(member, { order: 'expose', id: asked })
    })
    expected.delete(asked)
    const own = writeCrewMetrics({ workers: size, ready: readyCount(), restarts: restarted })
    const inOrder = [...texts].toSorted(([one], [other]) => one - other).map(([, text]) => text)
    send(asker, { order: 'exposed', id, text: mergeMetrics([...inOrder, own]) })
  }

  const fail = (cause: Error): void => {
    if (ending) return
    if (hasBegun) options.onFailed(cause)
    else begun.reject(cause)
  }

  const take = (number: number, member: Member, report: Report): void => {
    if (report.report === 'count') send(member, { order: 'counted', answer: door.count(number, report.items) })
    else if (report.report === 'metrics') expected.get(report.id)?.(number, report.text)
    else if (report.report === 'asks-metrics') void expose(member, report.id)
    else if (report.report === 'reloaded') {
      for (const other of members.values())
        if (other !== member) send(other, { order: 'reload', actor: report.actor, recorded: true })
    } else if (report.report === 'failed') {
      log.error({ worker: number, reason: report.message }, 'A worker could not start')
      // What keeps the first one from starting is told to the operator, and the house does not stand.
      if (!hasBegun) fail(Object.assign(new Error(report.message), { name: report.name }))
    } else {
      member.ready = true
      port = report.port
      made = { ...made, ...report.made }
      announce()
      if (!hasBegun && readyCount() === size) {
        hasBegun = true
        begun.resolve({ port, made })
      }
    }
  }

  const launch = (number: number): void => {
    const worker = cluster.fork()
    const member: Member = { worker, ready: false }
    members.set(number, member)
    relayLines(worker, options.output)
    log.info({ worker: number, pid: worker.process.pid }, 'A worker begins')
    worker.on('message', (report: Report) => take(number, member, report))
    worker.on('exit', (code, signal) => {
      members.delete(number)
      door.left(number)
      if (ending) {
        isClean &&= code === 0
        if (members.size === 0) gone.resolve()
        return
      }
      announce()
      const next = restarts.ended(number)
      const fields = { worker: number, pid: worker.process.pid, code, signal } as const
      if (next === 'loop') {
        log.error(fields, 'A worker ends again and again')
        fail(new WorkersFailed(`Worker ${number} ended 5 times within a minute, the last time with ${signal ?? code}.`))
        return
      }
      log.error(fields, 'A worker ended by itself and is started again')
      restarted += 1
      setTimeout(() => {
        if (!ending) launch(number)
      }, next.waitMs)
    })
    const { connection, promise } = ground
    send(member, { order: 'begin', number, size, connection, promise, port, counts: options.counts })
  }

  /** Tells all to end; resolves to whether each did so in order. */
  const end = async (order: Extract<Order, { order: 'drain' | 'abandon' }>): Promise<boolean> => {
    ending = true
    for (const member of members.values()) send(member, order)
    if (members.size > 0) await gone.promise
    return isClean
  }

  return {
    /** Starts all. @throws what kept the first one from starting. */
    begin: (): Promise<Begun> => {
      cluster.schedulingPolicy = cluster.SCHED_RR
      cluster.setupPrimary({ stdio: ['ignore', 'pipe', 'inherit', 'ipc'], serialization: 'json' })
      for (let number = 1; number <= size; number++) launch(number)
      return begun.promise
    },
    /** One takes the configuration over and records it, the others follow. */
    reload: (actor: string): void => {
      const first = [...members.values()].find(({ ready }) => ready)
      if (first) send(first, { order: 'reload', actor, recorded: false })
    },
    drain: (reason: string) => end({ order: 'drain', reason }),
    abandon: () => end({ order: 'abandon' }),
  }
}
