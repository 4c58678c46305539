import type { Caller } from '../../src/domain/caller.ts'
import type { Cancellation } from '../../src/kernel/cancellation.ts'
import type { House, Replica } from './house.ts'
import { target } from './replica.ts'

const weightOf = ({ keyId }: Caller): number => 2 ** (Number(keyId.slice(1)) % 3)

/** Who waits at a replica: by caller, and how many were served before. */
interface Line {
  served: number
  readonly waiting: Map<string, number>
}

const lines = new WeakMap<Replica, Line>()

const lineOf = (replica: Replica): Line => {
  const line = lines.get(replica) ?? { served: 0, waiting: new Map<string, number>() }
  lines.set(replica, line)
  return line
}

/** Waits for a place as a call does, and judges the wait: bounded, fair, and over as soon as the caller leaves. */
export const watchWait = async (
  { world, settings }: House,
  replica: Replica,
  caller: Caller,
  startedAt: number,
  signal: Cancellation,
): Promise<void> => {
  const { machine, queue } = replica
  const gate = queue.gate(target.provider)
  const line = lineOf(replica)
  const own = line.waiting.get(caller.keyId) ?? 0
  const weight = weightOf(caller)
  const others = settings.callers.filter(({ keyId }) => keyId !== caller.keyId)
  const perRound = others.reduce((sum, other) => sum + weightOf(other), 0)
  // Own calls before it, and a round of the others for each turn it waits for, that which runs included.
  const bound = own + (Math.ceil((own + 1) / weight) + 1) * perRound
  const servedBefore = line.served
  const from = machine.clock.monotonic()
  let leftAt = Number.POSITIVE_INFINITY
  signal.addEventListener('abort', () => {
    leftAt = world.time()
  })
  const wait = gate.wait(caller, startedAt, signal)
  line.waiting.set(caller.keyId, own + 1)
  const { waiting } = gate.read()
  if (waiting > settings.places.waiting) world.breach('the line is bounded', `${waiting} wait`)
  try {
    await wait
    line.served += 1
    const passed = line.served - 1 - servedBefore
    if (passed > bound) world.breach('nobody starves', `${caller.keyId} was passed by ${passed}, ${bound} may`)
    if (leftAt < world.time()) world.breach('who leaves does not get a place', caller.keyId)
  } finally {
    line.waiting.set(caller.keyId, (line.waiting.get(caller.keyId) ?? 1) - 1)
    const waited = machine.clock.monotonic() - from
    if (!machine.isDead() && machine.frozenUntil() === 0) {
      if (waited > settings.places.waitMs + 1) world.breach('a wait is bounded', `${waited} ms`)
      if (world.time() > leftAt) world.breach('a wait ends with its caller', `${world.time() - leftAt} ms later`)
    }
  }
}
