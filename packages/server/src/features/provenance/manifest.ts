import type { Origin } from './provenance.ports.ts'
import { sourceType } from './xmp.ts'

/** Settings of the reference implementation: nothing is fetched, and no smaller picture is made of what is signed. */
const quiet = {
  verify: { remote_manifest_fetch: false, ocsp_fetch: false, verify_trust: true },
  builder: { thumbnail: { enabled: false } },
}
/** What it trusts: these roots, PEM. */
export const verifierSettings = (roots: string): string => JSON.stringify({ ...quiet, trust: { trust_anchors: roots } })
export const signerSettings = JSON.stringify(quiet)

/** The manifest (C2PA 2.2): that a trained model made it, which one, for which request, and under which terms. */
export const manifestOf = (format: string, version: string, origin: Origin): string => {
  const { model, provider, requestId, at, licence, attribution } = origin
  return JSON.stringify({
    claim_generator_info: [{ name: 'Headgate', version }],
    format,
    assertions: [
      {
        label: 'c2pa.actions',
        data: {
          actions: [
            {
              action: 'c2pa.created',
              when: new Date(at).toISOString(),
              digitalSourceType: sourceType,
              softwareAgent: { name: `${provider}/${model}` },
            },
          ],
        },
      },
      {
        label: 'org.headgate.origin',
        data: {
          model,
          provider,
          request_id: requestId,
          ...(licence !== null && { licence }),
          ...(attribution !== null && { attribution }),
        },
      },
    ],
  })
}
