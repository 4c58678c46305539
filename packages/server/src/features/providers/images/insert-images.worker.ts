import { ownMemory, serveOrders } from '../../../kernel/worker-port.ts'
import { insertImages } from './insert-images.ts'
import type { InsertAnswer, InsertOrder } from './fetched-images.ts'

serveOrders<InsertOrder, InsertAnswer>(({ body, members, images }) => {
  const plain = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const grown = insertImages({ body: plain, members }, images)
  const memory = ownMemory(grown.body)
  return { answer: { body: memory, members: grown.members }, transfer: [memory] }
})
