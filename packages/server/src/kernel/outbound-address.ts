import ipaddr from 'ipaddr.js'

/** A range of addresses: the first one and how many of its bits count. */
export type AddressRange = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

const range = (text: string): AddressRange => ipaddr.parseCIDR(text)

/**
 * Ranges that `ipaddr.js` takes for ordinary ones and that lead to no public host: what is left of the special-purpose registries of
 * IANA, and the public address at which Azure serves its machines (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
 */
const special: readonly AddressRange[] = [
  '192.0.0.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '168.63.129.16/32',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
].map(range)
/** Where clouds tell a machine its own secrets, beside link-local addresses: Alibaba's, and Amazon's for IPv6. */
const metadata: readonly AddressRange[] = ['100.100.100.200/32', 'fd00:ec2::254/128'].map(range)
/** All that IPv6 has of public addresses (RFC 4291, section 2.4; IANA has given out no other). */
const globalUnicast = range('2000::/3')

const isWithin = (address: ipaddr.IPv4 | ipaddr.IPv6, [first, bits]: AddressRange): boolean =>
  address.kind() === first.kind() && address.match(first as ipaddr.IPv4 & ipaddr.IPv6, bits)

/** Reads `192.0.2.0/24` or a single address. @throws Error for any other text. */
export const readRange = (text: string): AddressRange => {
  if (text.includes('/')) return range(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/**
 * Whether an address is one of the public internet: no loopback, private, link-local or shared one, none of metadata services, of
 * documentation, for many receivers, or of a form that holds an IPv4 address (mapped, compatible, 6to4, NAT64, Teredo), since where
 * that leads, decides the network.
 */
export const isPublicAddress = (text: string): boolean => {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.parse(text)
  if (address.range() !== 'unicast') return false
  if (address.kind() === 'ipv6' && !isWithin(address, globalUnicast)) return false
  return !special.some((one) => isWithin(address, one))
}

/**
 * Whether an address serves the machine alone and never anything that an operator would call: link-local, or a metadata service; also in
 * the forms of IPv6 that hold an IPv4 address.
 */
export const isMachineAddress = (text: string): boolean => {
  if (!ipaddr.isValid(text)) return false
  const address = ipaddr.process(text)
  return address.range() === 'linkLocal' || metadata.some((one) => isWithin(address, one))
}

/** Whether an address lies in one of the ranges. */
export const isInRanges = (text: string, ranges: readonly AddressRange[]): boolean =>
  ipaddr.isValid(text) && ranges.some((one) => isWithin(ipaddr.parse(text), one))
