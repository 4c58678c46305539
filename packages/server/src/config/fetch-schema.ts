import { Type } from 'typebox'
import { count, group, milliseconds } from './schema-parts.ts'

const switchOf = (description: string, value: boolean) => Type.Boolean({ default: value, description })

/** What is fetched from addresses that callers name. */
export const FetchSchema = group(
  {
    enabled: switchOf(
      'Fetch pictures that a request names by address, where the provider of the model takes bytes alone.',
      true,
    ),
    plain_http: switchOf('Fetch from `http:` addresses too.', false),
    ports: Type.Array(Type.String({ pattern: '^[1-9][0-9]{0,4}$' }), {
      default: [],
      description: 'Ports to fetch from beside 443 (and 80 with `plain_http`).',
    }),
    max_bytes: count('Largest picture, as sent and as unpacked.', 20_971_520),
    max_images: count('Most pictures of one request that are fetched.', 16),
    timeout_ms: milliseconds('Longest time for one picture: its name, all hops, all bytes.', 10_000),
    allowed_addresses: Type.Array(Type.String({ 'x-check': 'cidr' }), {
      default: [],
      description: 'Ranges that are fetched from although they are not public, such as that of a picture store.',
    }),
    operator_addresses: Type.Array(Type.String({ 'x-check': 'cidr' }), {
      default: [],
      description:
        'Ranges that are reached although they are not public where an operator names an address while Headgate runs, or a document of an issuer does: issuers of tokens in your own network. Development and testing: this machine.',
    }),
    resolvers: Type.Array(Type.String({ 'x-check': 'resolver' }), {
      default: [],
      description:
        'DNS servers that names are asked of, such as `192.0.2.53` or `192.0.2.53:5353`; empty: as the system does.',
    }),
  },
  'What is fetched from addresses that callers name (pictures), or operators while Headgate runs (keys of issuers); never from private ones.',
)
