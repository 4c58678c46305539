import { createSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'
import ipaddr from 'ipaddr.js'

/** What a name means: addresses of both families; a function is asked each time, with how often it was asked before. */
export type Zone = Readonly<Record<string, readonly string[] | ((asked: number) => readonly string[])>>

/** A DNS server on loopback that answers from a zone, at a time to live of 0. */
export interface DnsServer {
  /** `address:port`. */
  readonly address: string
  /** How often a name was asked for. */
  readonly askedFor: (name: string) => number
  readonly close: () => Promise<void>
}

const HEADER = 12
const types = { 1: 'ipv4', 28: 'ipv6' } as const

/** The question of a query: its name, its type, and its bytes. */
const questionOf = (query: Buffer) => {
  const labels: string[] = []
  let at = HEADER
  for (let length = query[at] as number; length > 0; length = query[at] as number) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return {
    name: labels.join('.').toLowerCase(),
    type: query.readUInt16BE(at + 1),
    bytes: query.subarray(HEADER, at + 5),
  }
}

const recordOf = (type: number, address: string): Buffer => {
  const data = Buffer.from(ipaddr.parse(address).toByteArray())
  const record = Buffer.alloc(12)
  record.writeUInt16BE(0xc00c, 0)
  record.writeUInt16BE(type, 2)
  record.writeUInt16BE(1, 4)
  record.writeUInt16BE(data.length, 10)
  return Buffer.concat([record, data])
}

/** Answers what RFC 1035 asks for of a resolver's server, as far as addresses go: section 4.1. */
export const startDnsServer = async (zone: Zone): Promise<DnsServer> => {
  const asked = new Map<string, number>()
  const socket = createSocket('udp4', (query, { port, address }) => {
    const { name, type, bytes } = questionOf(query)
    const key = `${name} ${type}`
    const before = asked.get(key) ?? 0
    asked.set(key, before + 1)
    const entry = zone[name]
    const meant = typeof entry === 'function' ? entry(before) : (entry ?? [])
    const family = types[type as keyof typeof types] as string | undefined
    const records = meant.filter((one) => ipaddr.parse(one).kind() === family).map((one) => recordOf(type, one))
    const header = Buffer.from(query.subarray(0, HEADER))
    // A response with recursion available; a name that nobody has does not exist.
    header.writeUInt16BE(entry === undefined ? 0x8183 : 0x8180, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(records.length, 6)
    header.writeUInt32BE(0, 8)
    socket.send(Buffer.concat([header, bytes, ...records]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    askedFor: (name) => (asked.get(`${name} 1`) ?? 0) + (asked.get(`${name} 28`) ?? 0),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
