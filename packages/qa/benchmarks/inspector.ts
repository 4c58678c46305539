/** A line to the inspector of a Node.js process. */
export interface Inspector {
  /** Bytes of the heap in use after everything that can be collected was. */
  readonly heapAfterCollection: () => Promise<number>
  readonly close: () => void
}

/**
 * Opens a line to a process that was started with `--inspect`; what it printed names the address.
 * @throws Error when it does not
 */
export const openInspector = async (output: string): Promise<Inspector> => {
  const address = /ws:\/\/\S+/.exec(output)?.[0]
  if (address === undefined) throw new Error('the process names no inspector')
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true })
    socket.addEventListener('error', () => reject(new Error('the inspector does not answer')), { once: true })
  })
  const waiting = new Map<number, (result: Record<string, unknown>) => void>()
  let sent = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: Record<string, unknown> }
    if (id === undefined) return
    waiting.get(id)?.(result ?? {})
    waiting.delete(id)
  })
  const send = (method: string): Promise<Record<string, unknown>> =>
    new Promise((resolve) => {
      waiting.set(++sent, resolve)
      socket.send(JSON.stringify({ id: sent, method }))
    })
  return {
    heapAfterCollection: async () => {
      // Twice: what the first one lets go may hold more.
      for (let round = 0; round < 2; round++) await send('HeapProfiler.collectGarbage')
      return Number((await send('Runtime.getHeapUsage')).usedSize)
    },
    close: () => socket.close(),
  }
}
