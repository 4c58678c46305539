import { serveOrders } from '../../kernel/worker-port.ts'
import type { CompareOrder } from './memory-comparer.ts'
import { cosine } from './memory-vector.ts'

serveOrders<CompareOrder, Float32Array>(({ query, numbers, scales }) => {
  const answer = Float32Array.from(scales, (scale, index) => {
    const bytes = Buffer.from(numbers, index * query.length, query.length)
    return cosine(query, { scale, bytes }) as number
  })
  return { answer, transfer: [answer.buffer as ArrayBuffer] }
})
