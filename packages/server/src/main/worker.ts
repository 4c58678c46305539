import type { Crew } from '../compose/crew.ts'
import { joinStorage } from '../compose/storage.ts'
import type { ConfigInput } from '../config/gather.ts'
import type { DoorAnswer, DoorItem } from '../kernel/counters.door.ts'
import { collectGarbage } from '../kernel/memory.ts'
import type { Order, Report } from './messages.ts'
import { endInOrder, endOnDefects, reloadQuietly } from './ending.ts'
import { prepare } from './prepare.ts'
import type { Running } from './running.ts'

type Begin = Extract<Order, { order: 'begin' }>

const tell = (report: Report): void => {
  // A channel that is gone takes this process with it: see below.
  process.send?.(report, undefined, undefined, () => undefined)
}

/** The crew as the orders of the primary tell of it. */
const createCrew = ({ number, size, counts }: Begin) => {
  let ready = 0
  let questions = 0
  const texts = new Map<number, (text: string) => void>()
  // The channel keeps the order, so the answers come as the questions went.
  const counting: ((answer: DoorAnswer) => void)[] = []
  const crew: Crew = {
    number,
    size,
    ready: () => ready,
    ...(counts && {
      count: (items: readonly DoorItem[]) =>
        new Promise<DoorAnswer>((resolve) => {
          counting.push(resolve)
          tell({ report: 'count', items })
        }),
    }),
    exposeMetrics: () =>
      new Promise((resolve) => {
        const id = ++questions
        texts.set(id, resolve)
        tell({ report: 'asks-metrics', id })
      }),
    reloaded: (actor) => tell({ report: 'reloaded', actor }),
  }
  return {
    crew,
    isReady: (count: number) => void (ready = count),
    counted: (answer: DoorAnswer) => counting.shift()?.(answer),
    exposed: (id: number, text: string) => {
      texts.get(id)?.(text)
      texts.delete(id)
    },
  }
}

/** Serves as one of several processes: by the orders of the primary, and never longer than it lives. */
export const serveAsWorker = async (input: ConfigInput): Promise<void> => {
  // The primary takes the signals: a terminal and some supervisors send them to all processes at once.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  let running: Running | undefined
  let leaving = false
  const leave = (): void => {
    leaving = true
    process.disconnect?.()
  }
  process.on('disconnect', () => {
    if (leaving) return
    // Nobody owns the data folder any more; the journal keeps the accounts for the next one.
    running?.log.error({}, 'Ending: the primary process is gone')
    running?.log.flush()
    process.exit(1)
  })

  const begun = Promise.withResolvers<Begin>()
  /** What there is once the primary has said how to begin. */
  const standing: { ready?: Promise<Running>; side?: ReturnType<typeof createCrew> } = {}
  const whenReady = (work: (running: Running) => unknown): void => {
    void standing.ready?.then(work).catch(() => undefined)
  }
  process.on('message', (order: Order) => {
    if (order.order === 'begin') begun.resolve(order)
    else if (order.order === 'counted') standing.side?.counted(order.answer)
    else if (order.order === 'exposed') standing.side?.exposed(order.id, order.text)
    else if (order.order === 'crew') standing.side?.isReady(order.ready)
    else if (order.order === 'expose')
      whenReady(async ({ exposeMetrics }) => tell({ report: 'metrics', id: order.id, text: await exposeMetrics() }))
    else if (order.order === 'reload')
      whenReady(async (house) => {
        const isDone = await reloadQuietly(house, order.actor, order.recorded)
        if (isDone && !order.recorded) tell({ report: 'reloaded', actor: order.actor })
      })
    else if (order.order === 'drain') whenReady((house) => endInOrder(house, order.reason).then(leave))
    else whenReady((house) => house.abandon().finally(() => process.exit(1)))
  })

  const begin = await begun.promise
  const side = createCrew(begin)
  standing.side = side
  const prepared = prepare(input, {
    worker: begin.number,
    openStorage: ({ config }, log) => joinStorage(begin, config, log, begin),
  })
  const { crew } = side
  // Loaded here: by now the store is being opened.
  standing.ready = import('../main.ts').then(({ start }) => start(input, {}, prepared, { crew, port: begin.port }))
  try {
    running = await standing.ready
  } catch (cause) {
    const { name, message } = cause instanceof Error ? cause : new Error(String(cause))
    tell({ report: 'failed', name, message })
    process.exitCode = 1
    leave()
    return
  }
  endOnDefects(running)
  tell({ report: 'ready', port: running.port, made: running.made })
  collectGarbage()
}
