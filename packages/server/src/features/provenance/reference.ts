import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { initSync, WasmBuilder, WasmReader } from '@contentauth/c2pa-wasm'
import { signatureBytes, signClaim } from './cose.ts'
import { manifestOf, signerSettings, verifierSettings } from './manifest.ts'
import type { Origin, Signer, Verification } from './provenance.ports.ts'

/** A Blob that is read at once: the library is made for browsers’ workers, whose `FileReaderSync` Node.js has not. */
class HeldBlob extends Blob {
  readonly held: Uint8Array<ArrayBuffer>
  constructor(held: Uint8Array<ArrayBuffer>) {
    super([])
    this.held = held
    Object.defineProperty(this, 'size', { value: held.length })
  }
  override slice(start?: number, end?: number): HeldBlob {
    return new HeldBlob(this.held.subarray(start, end))
  }
}
Object.assign(globalThis, {
  FileReaderSync: class {
    readAsArrayBuffer({ held }: HeldBlob): ArrayBuffer {
      return held.buffer.slice(held.byteOffset, held.byteOffset + held.length)
    }
  },
  // What a stranger's file names is never fetched.
  fetch: () => Promise.reject(new Error('Nothing is fetched here')),
})
initSync({ module: readFileSync(createRequire(import.meta.url).resolve('@contentauth/c2pa-wasm/c2pa.wasm')) })

/** What a reader tells who found none. */
const isNone = (fault: unknown): boolean => /jumbf.*not.*found|no jumbf|provenance missing/i.test(String(fault))

/** Whether a file carries a manifest, be it broken. */
export const carriesManifest = async (format: string, file: Uint8Array): Promise<boolean> => {
  try {
    ;(await WasmReader.fromBytes(format, file, signerSettings)).free()
    return true
  } catch (fault) {
    return !isNone(fault)
  }
}

/** The file with a signed manifest in it, by the reference implementation of C2PA. */
export const signFile = async (
  format: string,
  file: Uint8Array<ArrayBuffer>,
  { signer, origin, version }: { readonly signer: Signer; readonly origin: Origin; readonly version: string },
): Promise<Uint8Array> => {
  // The builder and the reader hold memory that no garbage collector sees.
  const builder = WasmBuilder.fromJson(manifestOf(format, version, origin), signerSettings)
  try {
    const definition = {
      alg: 'es256',
      reserveSize: signatureBytes(signer),
      sign: (claim: Uint8Array) => Promise.resolve(new Uint8Array(signClaim(signer, claim))),
    }
    return await builder.sign(definition, [], format, new HeldBlob(file))
  } finally {
    builder.free()
  }
}

interface Store {
  readonly active_manifest?: string
  readonly manifests?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly validation_state?: string
  readonly validation_results?: {
    readonly activeManifest?: { readonly failure?: readonly { readonly code: string }[] }
  }
}

const verdicts: Readonly<Record<string, Verification['verdict']>> = { Trusted: 'trusted', Valid: 'signed' }

/** What the reference verifier says of a file under these roots. */
export const verifyFile = async (format: string, file: Uint8Array, roots: string): Promise<Verification> => {
  let reader: WasmReader
  try {
    reader = await WasmReader.fromBytes(format, file, verifierSettings(roots))
  } catch (fault) {
    if (isNone(fault)) return { verdict: 'unknown', format, failures: [], manifest: null }
    return { verdict: 'tampered', format, failures: ['manifest.unreadable'], manifest: null }
  }
  try {
    const store = JSON.parse(reader.json()) as Store
    const failures = (store.validation_results?.activeManifest?.failure ?? []).map(({ code }) => code)
    const manifest = store.manifests?.[store.active_manifest ?? ''] ?? null
    return { verdict: verdicts[store.validation_state ?? ''] ?? 'tampered', format, failures, manifest }
  } finally {
    reader.free()
  }
}
