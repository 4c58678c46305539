import type { Caller } from '../../src/domain/caller.ts'
import type { Exchange } from '../../src/domain/exchange.ts'
import type { InferenceRequest } from '../../src/domain/inference.ts'
import { noUsage, type Outcome } from '../../src/domain/usage.ts'
import { Walk } from '../../src/domain/walk.ts'
import { noTags } from '../../src/domain/route.ts'
import { Cancellation } from '../../src/kernel/cancellation.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { prefixedId } from '../../src/kernel/ids.ts'
import type { House, Replica } from './house.ts'
import { watchWait } from './queue-rules.ts'
import { target } from './replica.ts'
import { MOST_TOKENS } from './settings.ts'
import type { TrueCall } from './truth.ts'
import { Killed } from './stage.ts'

const INPUT_TOKENS = 20
const body = Buffer.alloc(INPUT_TOKENS * 4, 'x')

const requestOf = (maxOutputTokens: number): InferenceRequest => ({
  operation: 'chat',
  model: target.name,
  stream: true,
  includeUsage: true,
  maxOutputTokens,
  choices: 1,
  inputTokensBound: INPUT_TOKENS,
  hasFiles: false,
  user: null,
  body,
  members: new Map(),
})

const exchangeOf = ({ machine }: Replica, caller: Caller): Exchange => {
  const { clock } = machine
  const id = prefixedId('req', clock.now())
  const startedAt = clock.monotonic()
  const walk = new Walk(startedAt, clock.now(), '', undefined, undefined)
  return { id, requestId: id, caller, address: '192.0.2.1', startedAt, user: null, tags: noTags, headers: {}, walk }
}

/** The provider's part: streams for a while and marks what the caller gets, until it ends or the caller leaves. */
const stream = async (
  { world }: House,
  { machine }: Replica,
  signal: Cancellation,
  mark: (tokens: number) => void,
  outputTokens: number,
): Promise<{ outcome: Outcome; tokens: number }> => {
  const parts = 1 + world.random.below(4)
  for (let part = 1; part <= parts; part++) {
    const pause = world.random.between(5, world.random.chance(0.05) ? 8_000 : 400)
    await new Promise<void>((resolve) => {
      machine.clock.after(pause, resolve)
      signal.addEventListener('abort', resolve)
    })
    machine.step()
    const tokens = Math.floor((outputTokens * part) / parts)
    if (signal.aborted) return { outcome: 'client_gone', tokens: Math.floor((outputTokens * (part - 1)) / parts) }
    mark(tokens)
    machine.step()
  }
  return { outcome: 'complete', tokens: outputTokens }
}

/** One call on its walk, as `gateway/flow.ts` and `providers/attempts.ts` go it; each wait may be its process's last. */
const walkThrough = async (house: House, replica: Replica, caller: Caller): Promise<void> => {
  const { world, truth, settings } = house
  const { random } = world
  const { machine, ledger, queue } = replica
  const output = 10 + random.below(MOST_TOKENS - INPUT_TOKENS - 10)
  const exchange = exchangeOf(replica, caller)
  const { id } = exchange
  const worst = BigInt(INPUT_TOKENS + output)
  const budgets = settings.budgetsOf(caller).map((budget) => budget.id)
  const call: TrueCall = truth.asked({ id, replica: machine.name, budgets, worst })
  truth.noteCommitted(call)
  const signal = new Cancellation()
  if (random.chance(0.15))
    machine.clock.after(random.between(0, 2_000), () => signal.abort(new AppError('client_closed_request')))
  const before = ledger.stats().droppedRecords
  const askedAt = world.time()

  let hold: Awaited<ReturnType<typeof replica.admission.admit>>['hold']
  try {
    hold = (await replica.admission.admit(exchange, requestOf(output), [target])).hold
    machine.step()
  } catch (cause) {
    machine.step()
    truth.reach(call, 'refused')
    truth.limits.ended(id, 0)
    if (!(cause instanceof AppError)) throw cause
    world.note(`${id.slice(-6)} ${cause.code}`)
    judgeRefusal(house, call, cause, askedAt)
    return
  }
  truth.reach(call, 'open')
  const isMarkable = house.disks.get(machine.name)?.isWell() === true
  // Where a budget applies, what the journal does not take is refused.
  if (ledger.stats().droppedRecords > before) call.excused = true

  const settle = (outcome: Outcome, tokens: number, cost: bigint): void => {
    truth.reach(call, 'ending')
    call.cost = cost
    const { droppedRecords, lostRows } = ledger.stats()
    const usage = { ...noUsage, inputTokens: cost === 0n ? 0 : INPUT_TOKENS, outputTokens: tokens }
    const settlement = {
      outcome,
      target: target.name,
      usage,
      estimated: false,
      cost,
      priceVersion: 'simulated',
      attempts: [{ target: target.name, status: 200, durationMs: 1, fault: null }],
      durationMs: machine.clock.monotonic() - exchange.startedAt,
      firstByteMs: null,
      fault: null,
    }
    hold.settle(settlement)
    // The first outcome stands, whatever else believes that it ends the call.
    if (random.chance(0.2)) hold.settle({ ...settlement, outcome: 'failed', cost: 1n })
    truth.reach(call, 'ended')
    const after = ledger.stats()
    if (after.droppedRecords > droppedRecords || after.lostRows > lostRows) call.excused = true
    truth.limits.ended(id, usage.inputTokens + tokens)
  }

  const gate = queue.gate(target.provider)
  const enteredAt = machine.clock.monotonic()
  let isHeld = false
  try {
    if (!gate.enter()) await watchWait(house, replica, caller, exchange.startedAt, signal)
    machine.step()
    isHeld = true
    const { inFlight, limit } = gate.read()
    if (inFlight > limit && !settings.places.adaptive)
      world.breach('no provider gets more calls than it has places', `${inFlight} of ${limit}`)
    const sentAt = machine.clock.monotonic()
    if (random.chance(0.05)) {
      gate.failed()
      settle('failed', 0, 0n)
      return
    }
    const mark = (tokens: number) => {
      hold.mark(tokens)
      // Who dies while marking has not sent the part.
      machine.step()
      if (isMarkable) call.marked = tokens
    }
    const { outcome, tokens } = await stream(house, replica, signal, mark, random.below(output + 1))
    gate.answered(target.name, true, machine.clock.monotonic() - sentAt)
    settle(outcome, tokens, BigInt(INPUT_TOKENS + tokens))
  } catch (cause) {
    machine.step()
    if (!(cause instanceof AppError)) throw cause
    world.note(`${id.slice(-6)} ${cause.code}`)
    settle('failed', 0, 0n)
  } finally {
    if (isHeld && !machine.isDead()) gate.leave(machine.clock.monotonic() - enteredAt)
  }
}

/** For so long a refusal is remembered, and a little. */
const REFUSED_FOR_MS = 300

/** A refusal for money must be true: what was spent and held left no room at any moment while it was worked out. */
const judgeRefusal = (house: House, call: TrueCall, { code }: AppError, askedAt: number): void => {
  const { world, settings, truth } = house
  if (!settings.calm) return
  if (code === 'database_unavailable' || code === 'journal_unavailable')
    world.breach('nothing fails while all is well', `${call.id}: ${code}`)
  if (code !== 'budget_exceeded') return
  const known = settings.budgets.filter(({ id, soft }) => call.budgets.includes(id) && soft !== true)
  const isShort = known.some(
    // A window that began anew has its own count.
    ({ id, limit, window }) =>
      window !== 'total' || truth.mostCommitted(id, askedAt - REFUSED_FOR_MS) + call.worst > limit,
  )
  if (!isShort) world.breach('money is refused only where there is none', `${call.id}: ${call.worst}`)
}

/** Makes a call at a replica; nothing is left over of it. */
export const makeCall = (house: House, replica: Replica, caller: Caller): void => {
  const token = `${house.world.events()}`
  replica.calls.add(token)
  walkThrough(house, replica, caller)
    .catch((cause: unknown) => {
      if (!(cause instanceof Killed) && !replica.machine.isDead())
        house.world.breach('no error is left over', String(cause))
    })
    .finally(() => replica.calls.delete(token))
}
