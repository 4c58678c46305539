// Makes calls at a rate from a process of its own, so that a crowd does not stand in the way of who measures beside it.
// `node flood.ts '{"urls": […], "key": …, "model": …, "perSecond": …, "milliseconds": …, "name": …}'` prints what came of them.
import { createCaller } from './caller.ts'
import type { FloodOrder, Splash } from './flood-process.ts'
import { pause, startPace } from './pace.ts'

const order = JSON.parse(process.argv[2] as string) as FloodOrder
const caller = createCaller((replica) => order.urls[replica] as string)
const load = startPace(order.perSecond, async (number): Promise<Splash> => {
  const { sentAt, endedAt, status, code, headers } = await caller.call({
    replica: number % order.urls.length,
    key: order.key,
    model: order.model,
    id: `${order.name}-${number}`,
  })
  return { sentAt, tookMs: endedAt - sentAt, status, code, retryAfter: headers['retry-after'] !== undefined }
})
await pause(order.milliseconds)
const splashes = await load.stop()
await caller.close()
process.stdout.write(JSON.stringify(splashes))
