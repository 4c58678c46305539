import { type AddressInfo, type NetConnectOpts, type Socket, connect, createServer } from 'node:net'

/** Faults of one direction of every connection. Counts are bytes of that direction, from the connection's start. */
export interface DirectionFaults {
  /** Milliseconds that every byte is late; order is kept. */
  latency?: number
  /** Bytes per second. */
  bandwidth?: number
  /** Takes bytes and forwards none, until the fault is lifted. */
  blackhole?: boolean
  /** Both sides get a TCP reset after this many bytes were forwarded. */
  resetAfter?: number
  /** The receiver gets a FIN after this many bytes; later bytes of this direction are dropped. */
  halfCloseAfter?: number
  /** Every byte is a segment of its own. */
  oneByteSegments?: boolean
  /** The byte at this position (from 0) arrives with all its bits flipped. */
  corruptByte?: number
}

/** What goes wrong between client and target; what is left out works. */
export interface Faults {
  /** New connections are accepted and closed at once, and open ones are reset when this is set. */
  refuse?: boolean
  /** Client to target. */
  up?: DirectionFaults
  /** Target to client. */
  down?: DirectionFaults
}

/** A running fault proxy. */
export interface FaultProxy {
  port: number
  /** `http://127.0.0.1:port`, for targets that speak HTTP. */
  url: string
  /** Replaces all faults, for open connections too. */
  set(faults: Faults): void
  /** Lifts all faults. */
  reset(): void
  /** Open client connections. */
  connections(): number
  close(): Promise<void>
}

/** What to stand in front of. */
export interface FaultProxyOptions {
  target: { host: string; port: number } | { path: string }
  /** 0, the default, takes a free port on 127.0.0.1. */
  listenPort?: number
}

/** Bytes waiting above this stop the reading: the sender feels the slow receiver. */
const mostWaiting = 256 * 1024

/** One direction of one connection: a queue of late bytes and what happens to them. */
class Pipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #faults: () => DirectionFaults
  readonly #resetBoth: () => void
  #queue: Array<{ bytes: Buffer; arrived: number }> = []
  #waiting = 0
  #forwarded = 0
  #hasSourceEnded = false
  #isRunning = false
  #isShut = false
  #wake: (() => void) | undefined

  constructor(from: Socket, to: Socket, faults: () => DirectionFaults, resetBoth: () => void) {
    this.#from = from
    this.#to = to
    this.#faults = faults
    this.#resetBoth = resetBoth
    from.on('data', (bytes: Buffer) => {
      if (this.#isShut) return
      this.#queue.push({ bytes, arrived: performance.now() })
      this.#waiting += bytes.length
      if (this.#waiting > mostWaiting) from.pause()
      void this.#run()
    })
    from.on('end', () => {
      this.#hasSourceEnded = true
      void this.#run()
    })
  }

  /** The faults have changed: what waits is looked at again. */
  wake(): void {
    this.#wake?.()
    void this.#run()
  }

  #sleep(milliseconds: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    while (!this.#to.destroyed && !this.#isShut) {
      const faults = this.#faults()
      const head = this.#queue[0]
      if (faults.blackhole === true && (head !== undefined || this.#hasSourceEnded)) {
        await this.#sleep(undefined)
        continue
      }
      if (head === undefined) break
      const wait = head.arrived + (faults.latency ?? 0) - performance.now()
      if (wait > 0) {
        await this.#sleep(wait)
        continue
      }
      if (this.#meetsEnd(faults)) break
      await this.#forward(this.#take(head, faults), faults)
      if (this.#meetsEnd(this.#faults())) break
    }
    this.#isRunning = false
    if (this.#hasSourceEnded && this.#queue.length === 0 && !this.#isShut) {
      this.#isShut = true
      this.#to.end()
    }
  }

  /** Removes the next bytes to forward from the queue: up to the next limit of the faults. */
  #take(head: { bytes: Buffer }, faults: DirectionFaults): Buffer {
    let size = head.bytes.length
    if (faults.oneByteSegments === true) size = 1
    if (faults.bandwidth !== undefined) size = Math.min(size, Math.max(1, Math.floor(faults.bandwidth / 50)))
    for (const limit of [faults.resetAfter, faults.halfCloseAfter]) {
      if (limit !== undefined) size = Math.min(size, Math.max(0, limit - this.#forwarded))
    }
    const bytes = head.bytes.subarray(0, size)
    if (size === head.bytes.length) this.#queue.shift()
    else head.bytes = head.bytes.subarray(size)
    this.#waiting -= size
    if (this.#waiting <= mostWaiting) this.#from.resume()
    return bytes
  }

  async #forward(bytes: Buffer, faults: DirectionFaults): Promise<void> {
    const at = faults.corruptByte === undefined ? -1 : faults.corruptByte - this.#forwarded
    const sent = Buffer.from(bytes)
    if (at >= 0 && at < sent.length) sent[at] = (sent[at] ?? 0) ^ 0xff
    this.#forwarded += sent.length
    // the callback comes when the kernel has the bytes: that is both the back-pressure and the border of a segment
    await new Promise<void>((resolve) => this.#to.write(sent, () => resolve()))
    // a turn of the event loop apart, else the kernel hands several bytes over in one read
    if (faults.oneByteSegments === true) await new Promise((resolve) => setImmediate(resolve))
    if (faults.bandwidth !== undefined) {
      const until = performance.now() + (sent.length * 1000) / faults.bandwidth
      await new Promise((resolve) => setTimeout(resolve, until - performance.now()))
    }
  }

  #meetsEnd(faults: DirectionFaults): boolean {
    if (faults.resetAfter !== undefined && this.#forwarded >= faults.resetAfter) {
      this.#isShut = true
      // the bytes before the reset must arrive first
      setTimeout(this.#resetBoth, 10)
      return true
    }
    if (faults.halfCloseAfter !== undefined && this.#forwarded >= faults.halfCloseAfter) {
      this.#isShut = true
      this.#queue = []
      this.#from.resume()
      this.#to.end()
      return true
    }
    return false
  }
}

/** Starts a TCP proxy whose faults can be changed while connections are open. Speaks no protocol: PostgreSQL, Redis and HTTP alike. */
export const startFaultProxy = async (options: FaultProxyOptions): Promise<FaultProxy> => {
  const target: NetConnectOpts = { ...options.target, allowHalfOpen: true, noDelay: true }
  const open = new Set<{ client: Socket; pipes: Pipe[]; reset: () => void }>()
  let faults: Faults = {}
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (faults.refuse === true) {
      client.on('error', () => undefined)
      client.destroy()
      return
    }
    const upstream = connect(target)
    const reset = (): void => {
      for (const socket of [client, upstream]) {
        if (socket.destroyed) continue
        // a unix socket knows no reset: its nearest likeness is a close
        // and libuv resets none that has begun to end: its handle would never close
        if (socket.writableEnded || (socket === upstream && 'path' in options.target)) socket.destroy()
        else socket.resetAndDestroy()
      }
    }
    const connection = {
      client,
      reset,
      pipes: [
        new Pipe(client, upstream, () => faults.up ?? {}, reset),
        new Pipe(upstream, client, () => faults.down ?? {}, reset),
      ],
    }
    open.add(connection)
    // a side that fails takes the other one with it, as a broken wire would
    for (const socket of [client, upstream]) socket.on('error', reset)
    client.on('close', (hadError) => {
      open.delete(connection)
      if (hadError) reset()
      else upstream.destroySoon()
      for (const pipe of connection.pipes) pipe.wake()
    })
    upstream.on('close', () => {
      for (const pipe of connection.pipes) pipe.wake()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.listenPort ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const set = (next: Faults): void => {
    faults = next
    for (const connection of [...open]) {
      if (next.refuse === true) connection.reset()
      for (const pipe of connection.pipes) pipe.wake()
    }
  }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    set,
    reset: () => set({}),
    connections: () => open.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const connection of [...open]) connection.reset()
      }),
  }
}
