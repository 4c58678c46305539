import { createHash, randomBytes } from 'node:crypto'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type FaultProxy, startFaultProxy } from './tcp-proxy.ts'

const closers: Array<() => Promise<void> | void> = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const listen = (handle: (socket: Socket) => void, path?: string): Promise<Server> =>
  new Promise((resolve) => {
    const sockets = new Set<Socket>()
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      handle(socket)
    })
    closers.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    if (path === undefined) server.listen(0, '127.0.0.1', () => resolve(server))
    else server.listen(path, () => resolve(server))
  })

const proxyTo = async (handle: (socket: Socket) => void): Promise<FaultProxy> => {
  const server = await listen(handle)
  const proxy = await startFaultProxy({ target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } })
  closers.push(() => proxy.close())
  return proxy
}
const echo = (socket: Socket): void => {
  socket.pipe(socket)
}

interface Talk {
  socket: Socket
  received: () => Buffer
  ended: Promise<string>
  until: (bytes: number) => Promise<void>
}

/** A raw client; `ended` is `fin` or the error's code. */
const talk = (port: number): Talk => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  closers.push(() => {
    socket.destroy()
  })
  const chunks: Buffer[] = []
  const received = (): Buffer => Buffer.concat(chunks)
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('fin'))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  })
  const until = (bytes: number): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (received().length >= bytes) resolve()
      }
      socket.on('data', check)
      check()
    })
  return { socket, received, ended, until }
}
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

test('forwards every byte in both directions and both ends', async () => {
  const proxy = await proxyTo(echo)
  const client = talk(proxy.port)
  const bytes = randomBytes(5_000_000)
  client.socket.end(bytes)
  expect(await client.ended).toBe('fin')
  const hash = (buffer: Buffer) => createHash('sha256').update(buffer).digest('hex')
  expect(hash(client.received())).toBe(hash(bytes))
  client.socket.destroy()
  await pause(50)
  expect(proxy.connections()).toBe(0)
})

test('stands in front of a unix socket', async () => {
  const path = join(tmpdir(), `fault-proxy-${process.pid}-${Date.now()}.sock`)
  await listen(echo, path)
  const proxy = await startFaultProxy({ target: { path } })
  closers.push(() => proxy.close())
  const client = talk(proxy.port)
  client.socket.write('hello')
  await client.until(5)
  expect(client.received().toString()).toBe('hello')
})

test('latency is added in the direction that has it, and can be lifted', async () => {
  const proxy = await proxyTo(echo)
  const client = talk(proxy.port)
  const roundTrip = async (): Promise<number> => {
    const before = client.received().length
    const start = performance.now()
    client.socket.write('x')
    await client.until(before + 1)
    return performance.now() - start
  }
  proxy.set({ up: { latency: 150 } })
  expect(await roundTrip()).toBeGreaterThanOrEqual(145)
  proxy.set({ up: { latency: 150 }, down: { latency: 200 } })
  expect(await roundTrip()).toBeGreaterThanOrEqual(345)
  proxy.reset()
  expect(await roundTrip()).toBeLessThan(140)
})

test('bandwidth bounds the rate', async () => {
  const proxy = await proxyTo(echo)
  proxy.set({ down: { bandwidth: 20_000 } })
  const client = talk(proxy.port)
  const start = performance.now()
  client.socket.write(Buffer.alloc(10_000))
  await client.until(10_000)
  const took = performance.now() - start
  expect(took).toBeGreaterThan(400)
  expect(took).toBeLessThan(5_000)
})

test('a blackhole swallows silently, and what waited arrives once it is lifted', async () => {
  const proxy = await proxyTo(echo)
  proxy.set({ up: { blackhole: true } })
  const client = talk(proxy.port)
  client.socket.write('late')
  await pause(150)
  expect(client.received().length).toBe(0)
  expect(proxy.connections()).toBe(1)
  proxy.reset()
  await client.until(4)
  expect(client.received().toString()).toBe('late')
})

test('refuse closes new connections and resets open ones', async () => {
  const proxy = await proxyTo(echo)
  const open = talk(proxy.port)
  open.socket.write('x')
  await open.until(1)
  proxy.set({ refuse: true })
  expect(await open.ended).toBe('ECONNRESET')
  const refused = talk(proxy.port)
  expect(['fin', 'ECONNRESET']).toContain(await refused.ended)
  expect(proxy.connections()).toBe(0)
})

test('reset after n bytes delivers exactly n bytes, then a TCP reset on both sides', async () => {
  let serverSaw: Promise<string> | undefined
  const proxy = await proxyTo((socket) => {
    serverSaw = new Promise((resolve) =>
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? '')),
    )
    socket.write(Buffer.alloc(1000, 'a'))
  })
  proxy.set({ down: { resetAfter: 300 } })
  const client = talk(proxy.port)
  expect(await client.ended).toBe('ECONNRESET')
  expect(client.received().length).toBe(300)
  expect(await serverSaw).toBe('ECONNRESET')
})

test('half-close after n bytes ends one direction and leaves the other', async () => {
  const got: Buffer[] = []
  const proxy = await proxyTo((socket) => {
    socket.on('data', (chunk: Buffer) => got.push(chunk))
    socket.write(Buffer.alloc(1000, 'a'))
  })
  proxy.set({ down: { halfCloseAfter: 10 } })
  const client = talk(proxy.port)
  expect(await client.ended).toBe('fin')
  expect(client.received().length).toBe(10)
  client.socket.write('still here')
  await expect.poll(() => Buffer.concat(got).toString()).toBe('still here')
})

test('one-byte segments arrive one by one', async () => {
  const sizes: number[] = []
  const proxy = await proxyTo((socket) => socket.on('data', (chunk: Buffer) => sizes.push(chunk.length)))
  proxy.set({ up: { oneByteSegments: true } })
  talk(proxy.port).socket.write('abcdefghij')
  await expect.poll(() => sizes.reduce((sum, size) => sum + size, 0)).toBe(10)
  expect(sizes.length).toBeGreaterThan(1)
})

test('exactly the named byte is corrupted', async () => {
  const proxy = await proxyTo(echo)
  proxy.set({ down: { corruptByte: 3 } })
  const client = talk(proxy.port)
  client.socket.write('abc')
  await client.until(3)
  client.socket.write('def')
  await client.until(6)
  const expected = Buffer.from('abcdef')
  expected[3] = (expected[3] ?? 0) ^ 0xff
  expect(client.received()).toEqual(expected)
})
