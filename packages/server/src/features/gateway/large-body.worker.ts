import { type Served, serveOrders } from '../../kernel/worker-port.ts'
import { carry } from './carried-request.ts'
import type { LargeBodyAnswer, LargeBodyOrder } from './large-body.ts'
import { readCompletion, readRequest } from './read-request.ts'
import { readResponseRequest, translateResponseRequest } from './responses/request.ts'

const readResponse = (bytes: Buffer): Served<LargeBodyAnswer> => {
  const asked = readResponseRequest(bytes)
  if (asked.previousId !== null) return { answer: { asked } }
  const { carried, transfer } = carry(translateResponseRequest(asked, []))
  // Its input goes back only where it is stored.
  return { answer: { carried, asked: asked.store ? asked : { ...asked, input: [] } }, transfer }
}

serveOrders<LargeBodyOrder, LargeBodyAnswer>((order) => {
  if (order.wire === 'history') {
    const { carried, transfer } = carry(translateResponseRequest(order.asked, order.history))
    return { answer: { carried }, transfer }
  }
  const bytes = Buffer.from(order.memory)
  if (order.wire === 'responses') return readResponse(bytes)
  if (order.wire === 'completions') {
    const { request, ...completion } = readCompletion(bytes)
    const { carried, transfer } = carry(request)
    return { answer: { carried, completion }, transfer }
  }
  const { carried, transfer } = carry(readRequest(order.wire, bytes))
  return { answer: { carried }, transfer }
})
