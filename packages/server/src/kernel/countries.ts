import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ipaddr from 'ipaddr.js'
import { type CountryResponse, Reader } from 'mmdb-lib'

/** What the table answers where it has no country. */
export const unknownCountry = 'unknown'

/** The table's own shape, which is flatter than MaxMind's. */
type Entry = CountryResponse & { readonly country_code?: string }

let table: Reader<Entry> | null = null

/**
 * The country of an address by registration (RIR whois and ASN data, CC0, shipped as the package
 * `@ip-location-db/geo-whois-asn-country-mmdb`): an ISO 3166 code, or `unknown`. The first call reads 8 MB.
 */
export const countryOfAddress = (address: string): string => {
  if (!ipaddr.isValid(address)) return unknownCountry
  table ??= new Reader<Entry>(
    readFileSync(
      fileURLToPath(import.meta.resolve('@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb')),
    ),
  )
  return table.get(ipaddr.process(address).toString())?.country_code ?? unknownCountry
}
