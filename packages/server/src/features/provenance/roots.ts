import type { Clock } from '../../kernel/clock.ts'
import type { Database, Transaction } from '../../kernel/db.ts'
import { makeRoot, makeSigner } from './certificates.ts'
import type { OwnSigner, SealPort, Signer } from './provenance.ports.ts'
import { AppError } from '../../kernel/errors.ts'
import { insertRoot, listRoots, lockRoots, type RootRow, revokeRoot, signingVersion } from './provenance.store.ts'

/** A replica signs with a certificate of its own, and asks for another after a day: so a new root is in use everywhere by then. */
const renewedMs = 86_400_000
/** So soon every replica signs under another root than one that was revoked. */
const checkedMs = 5_000

const placeOf = (version: number) => ({
  purpose: 'provenance',
  table: 'provenance_roots',
  row: String(version),
  column: 'sealed',
})

interface RootsOptions {
  readonly database: Database
  readonly seal: SealPort
  readonly clock: Clock
  /** The operator’s own certificate, asked for anew each time; null where one is made. */
  readonly ownSigner: () => OwnSigner | null
}

/** The roots of this house in PostgreSQL, and the signer of this process under the newest. */
export const createRoots = ({ database, seal, clock, ownSigner }: RootsOptions) => {
  let signer: { readonly made: Promise<Signer & { readonly version: number }>; readonly until: number } | null = null
  let checkedAt = Number.NEGATIVE_INFINITY

  const add = async (transaction: Transaction, version: number): Promise<RootRow> => {
    const now = clock.now()
    const { key, certificate } = makeRoot(now)
    const sealed = await seal.seal(transaction, placeOf(version), key)
    const row = { version, certificate, sealed, created_at: new Date(now) }
    await insertRoot(transaction, row)
    return { ...row, revoked_at: null }
  }
  const trusted = (rows: readonly RootRow[]): RootRow[] => rows.filter(({ revoked_at: end }) => end === null)
  /** All that are trusted, the newest first; the first of all is made here. */
  const all = async (): Promise<readonly [RootRow, ...RootRow[]]> => {
    const [newest, ...former] = trusted(await database.read('system', listRoots))
    if (newest !== undefined) return [newest, ...former]
    return database.transaction('system', async (transaction) => {
      await lockRoots(transaction)
      const rows = await listRoots(transaction)
      const [made, ...more] = trusted(rows)
      return made === undefined ? [await add(transaction, (rows[0]?.version ?? 0) + 1)] : [made, ...more]
    })
  }
  const begin = async (): Promise<Signer & { readonly version: number }> => {
    const [{ version, certificate, sealed }] = await all()
    const key = await database.read('system', (read) => seal.open(read, placeOf(version), sealed))
    const made = makeSigner({ key, certificate }, clock.now())
    return { key: made.key, chain: made.certificate, version }
  }
  /** Lets the signer of a root go that was revoked or followed by another; where PostgreSQL is away, it goes on. */
  const check = async (now: number): Promise<void> => {
    if (signer === null || now - checkedAt < checkedMs) return
    checkedAt = now
    const known = signer
    const { version } = await known.made
    const newest = await database.read('system', signingVersion).catch(() => version)
    if (newest !== version && signer === known) signer = null
  }

  return {
    /** Who signs in this process. @throws SealBroken, DatabaseUnavailable */
    signer: async (): Promise<Signer> => {
      const own = ownSigner()
      if (own !== null) return own
      const now = clock.now()
      await check(now)
      if (signer !== null && now < signer.until) return signer.made
      const made = begin()
      signer = { made, until: now + renewedMs }
      made.catch(() => (signer = null))
      return made
    },
    /** Certificates of all roots, PEM, the newest first; before them what trusts the operator’s own. */
    certificates: async (): Promise<string> => {
      const own = ownSigner()
      // Who has a certificate needs no root of ours; what was signed under one before stays trusted.
      const roots = own === null ? await all() : trusted(await database.read('system', listRoots))
      return [...(own === null ? [] : [own.anchor]), ...roots.map(({ certificate }) => certificate)].join('')
    },
    /** Makes a new root, under which this process signs at once. `record` writes the audit. */
    rotate: async (record: (transaction: Transaction, version: number) => Promise<void>): Promise<RootRow> => {
      const row = await database.transaction('system', async (transaction) => {
        await lockRoots(transaction)
        const [newest] = await listRoots(transaction)
        const made = await add(transaction, (newest?.version ?? 0) + 1)
        await record(transaction, made.version)
        return made
      })
      signer = null
      return row
    },
    /**
     * Takes the trust from a root, and from all that was signed under it; another is made where none is left to sign.
     * `record` writes the audit. @throws AppError `resource_not_found`
     */
    revoke: async (
      version: number,
      record: (transaction: Transaction, made: number | null) => Promise<void>,
    ): Promise<RootRow> => {
      const row = await database.transaction('system', async (transaction) => {
        await lockRoots(transaction)
        const rows = await listRoots(transaction)
        const found = rows.find((one) => one.version === version)
        if (found === undefined) throw new AppError('resource_not_found', { detail: 'There is no such root.' })
        if (found.revoked_at !== null) return found
        const at = new Date(clock.now())
        await revokeRoot(transaction, version, at)
        const isLast = trusted(rows).every((one) => one.version <= version)
        const made = isLast ? await add(transaction, (rows[0]?.version ?? 0) + 1) : null
        await record(transaction, made?.version ?? null)
        return { ...found, revoked_at: at }
      })
      signer = null
      return row
    },
  }
}
