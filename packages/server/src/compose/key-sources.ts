import type { KeyKind } from '@headgate/contract/key-lifecycle.ts'
import type { KeyState } from '@headgate/contract/keys.ts'
import { listCheckpoints, listKeys } from '../features/audit/checkpoints.store.ts'
import type { Identity } from '../features/identity/identity.ts'
import { readAdminKeyAge, readKeyLives } from '../features/identity/key-lives.store.ts'
import type { KeyRecord, KeySource } from '../features/key-lifecycle/key-lifecycle.ports.ts'
import type { Sightings } from '../features/key-lifecycle/sightings.store.ts'
import type { Operators } from '../features/operators/operators.ts'
import { readUserSecretLives } from '../features/people/user-secret-lives.store.ts'
import { listRoots } from '../features/provenance/provenance.store.ts'
import type { Providers } from '../features/providers/providers.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Database } from '../kernel/db.ts'
import type { Seal } from '../kernel/seal.ts'
import type { Settings } from '../config/config.ts'
import { configuredSecrets, derivedKeys, endOf } from './key-facts.ts'

/** Whom the keys are asked of. */
export interface KeySourceOptions {
  readonly settings: () => Settings
  readonly database: Database
  readonly clock: Clock
  readonly seal: Seal
  readonly identity: Pick<Identity, 'peppers'>
  readonly operators: Pick<Operators, 'lists'>
  readonly providers: Pick<Providers, 'heldKeys'>
  readonly sightings: Sightings
}

const BATCH = 500
const house = 'house'

const at = (time: Date | null): number | null => time?.getTime() ?? null
const parsed = (time: string | null): number | null => (time === null ? null : Date.parse(time))

/** Few enough to be read at once; in the order of their ids. */
const few = (kind: KeyKind, read: () => Promise<readonly KeyRecord[]>, isCalm = false): KeySource => ({
  kind,
  isCalm,
  list: async function* (after) {
    const records = (await read()).toSorted((left, right) => (left.id < right.id ? -1 : 1))
    const rest = after === null ? records : records.filter(({ id }) => id > after)
    if (rest.length > 0) yield rest
  },
})

const ofApiKey: Readonly<Record<KeyState, KeyRecord['state']>> = {
  'pre-activation': 'pre-activation',
  active: 'active',
  suspended: 'suspended',
  deactivated: 'revoked',
  compromised: 'revoked',
  destroyed: 'destroyed',
}

const ofCallers = ({ database, clock }: KeySourceOptions): KeySource => ({
  kind: 'api_key',
  list: async function* (after) {
    for (let last = after; ; ) {
      const rows = await readKeyLives(database, { after: last, limit: BATCH, at: new Date(clock.now()) })
      if (rows.length > 0)
        yield rows.map((row) => ({
          id: row.key_id,
          label: row.name,
          owner: row.project_id,
          state: ofApiKey[row.state],
          createdAt: at(row.created_at),
          since: at(row.secret_made_at ?? row.created_at),
          lastUsedAt: at(row.last_used_at),
          expiresAt: at(row.expires_at),
          note:
            row.overlap_ends_at === null
              ? row.kind
              : `${row.kind}; a former secret is accepted until ${row.overlap_ends_at.toISOString()}`,
        }))
      if (rows.length < BATCH) return
      last = rows.at(-1)?.key_id ?? null
    }
  },
})

const ofSessions = ({ operators }: KeySourceOptions): KeySource => ({
  kind: 'operator_session',
  isCalm: true,
  list: async function* (after) {
    for (let last = after; ; ) {
      const page = await operators.lists.sessions({ limit: '100', ...(last !== null && { after: last }) })
      if (page.data.length > 0)
        yield page.data.map((session) => ({
          id: session.id,
          label: session.id,
          owner: session.operator,
          state: session.revoked_at === null ? ('active' as const) : ('revoked' as const),
          createdAt: parsed(session.created_at),
          lastUsedAt: null,
          expiresAt: parsed(session.expires_at),
          warns: false,
        }))
      last = page.next_cursor
      if (last === null) return
    }
  },
})

/** Versions of a key, the newest first: it is in use, those before open or verify what they protected. */
const versions = <Row extends { readonly version: number; readonly created_at: Date }>(
  rows: readonly Row[],
  named: (row: Row) => Pick<KeyRecord, 'label' | 'expiresAt'> & Partial<KeyRecord>,
  lastUsedAt: number | null,
): KeyRecord[] =>
  rows.map((row, index) => ({
    id: String(row.version).padStart(6, '0'),
    owner: house,
    state: index === 0 ? 'active' : 'deactivated',
    createdAt: at(row.created_at),
    lastUsedAt: index === 0 ? lastUsedAt : null,
    ...named(row),
  }))

/** Every key that the house uses, from whoever keeps it, in the order of the register. */
export const createKeySources = (options: KeySourceOptions): KeySource[] => {
  const { settings, database, seal, providers, sightings } = options
  return [
    few('root_key', async () => {
      const { secrets, sources } = settings()
      const [seen] = await sightings.note([{ kind: 'root_key', label: 'root_key', secret: secrets.root_key.reveal() }])
      const from = sources.find(({ path }) => path.join('.') === 'root_key')?.where ?? 'the data folder'
      const inServices = [secrets.seal_roots.current, ...secrets.seal_roots.former].filter(({ id }) => id.includes(':'))
      return [
        {
          ...{ id: seen?.fingerprint ?? '', label: `root key, from ${from}`, owner: house, state: 'active' as const },
          ...{ createdAt: seen?.firstSeenAt ?? null, lastUsedAt: null, expiresAt: null },
        },
        ...inServices.map(({ id }) => ({
          ...{ id, label: id, owner: house, createdAt: null, lastUsedAt: null, expiresAt: null },
          state: id === secrets.seal_roots.current.id ? ('active' as const) : ('deactivated' as const),
          note: 'it never leaves its service, where it is rotated',
        })),
      ]
    }),
    few('encryption_key', async () => {
      const states = await database.read('system', seal.state)
      return versions(
        states.map((state) => ({ ...state, created_at: state.createdAt })).reverse(),
        ({ version, rootId, dataKeys, destroyedAt, opens }) => ({
          label: `encryption key ${version}`,
          expiresAt: null,
          uses: dataKeys,
          note: `wrapped by ${rootId}${opens || destroyedAt !== null ? '' : ', which is not at hand'}`,
          ...(destroyedAt !== null
            ? { state: 'destroyed' as const }
            : dataKeys > 0 && version !== states.at(-1)?.version && { state: 'retiring' as const }),
        }),
        null,
      )
    }),
    few(
      'data_key',
      async () =>
        (await database.read('system', seal.dataKeys)).map((one) => ({
          id: `${one.project}/${one.purpose}`,
          label: one.purpose,
          owner: one.project === '*' ? house : one.project,
          state: 'active',
          createdAt: at(one.createdAt),
          lastUsedAt: null,
          expiresAt: null,
          uses: one.uses,
          note: `${one.keys} keys, ${one.people} of them of people; another takes over after a year of use`,
        })),
      true,
    ),
    few('pepper', async () => {
      const { data, unknown_keys: unknown } = await options.identity.peppers.list()
      return data.map((pepper) => ({
        id: String(pepper.generation).padStart(6, '0'),
        label: `pepper ${pepper.id}`,
        owner: house,
        state: pepper.state,
        createdAt: parsed(pepper.created_at),
        lastUsedAt: null,
        expiresAt: null,
        uses: pepper.keys,
        note: unknown > 0 && pepper.state === 'active' ? `${unknown} keys stand under another root key` : null,
      }))
    }),
    few(
      'derived_key',
      async () => {
        const { secrets } = settings()
        const [seen] = await sightings.note([
          { kind: 'root_key', label: 'root_key', secret: secrets.root_key.reveal() },
        ])
        return derivedKeys.map(([id, label]) => ({
          ...{ id, label, owner: house, state: 'active' as const, lastUsedAt: null, expiresAt: null },
          createdAt: seen?.firstSeenAt ?? null,
          note: 'derived from the root key, and replaced with it',
        }))
      },
      true,
    ),
    few('admin_key', async () => {
      const configured = settings().secrets.admin_key
      if (configured === undefined) {
        const made = at(await readAdminKeyAge(database))
        if (made === null) return []
        const times = { createdAt: made, lastUsedAt: null, expiresAt: null }
        return [{ id: 'stored', label: 'made by Headgate', owner: house, state: 'active', ...times }]
      }
      const [seen] = await sightings.note([{ kind: 'admin_key', label: 'admin_key', secret: configured.reveal() }])
      const times = { createdAt: seen?.firstSeenAt ?? null, lastUsedAt: null, expiresAt: null }
      return [{ id: 'configured', label: 'of the configuration', owner: house, state: 'active', ...times }]
    }),
    ofSessions(options),
    few('user_secret', async () =>
      (await readUserSecretLives(database)).map((row) => ({
        id: row.secret_id,
        label: `signs the users of ${row.project_id}`,
        owner: row.project_id,
        state: row.expires_at === null ? 'active' : 'retiring',
        createdAt: at(row.created_at),
        lastUsedAt: null,
        expiresAt: at(row.expires_at),
      })),
    ),
    few('provider_key', async () => {
      const held = providers.heldKeys()
      const seen = await sightings.note(
        held.map(({ provider, secret }) => ({ kind: 'provider_key', label: provider, secret })),
      )
      return held.map(({ provider, origin, isIdle, standing }, index) => ({
        id: `${provider}/${origin}/${seen[index]?.fingerprint ?? ''}`,
        label: provider,
        owner: house,
        state: isIdle ? 'suspended' : 'active',
        createdAt: seen[index]?.firstSeenAt ?? null,
        lastUsedAt: seen[index]?.lastUsedAt ?? null,
        expiresAt: null,
        note:
          standing === 'refused'
            ? 'the provider does not take it'
            : `of the ${origin === 'operator' ? 'operators' : origin}`,
      }))
    }),
    few('configured_secret', async () => {
      const secrets = configuredSecrets(settings().secrets)
      const seen = await sightings.note(secrets.map((one) => ({ kind: 'configured_secret', ...one })))
      return secrets.map(({ label }, index) => ({
        ...{ id: label, label, owner: house, state: 'active' as const, lastUsedAt: null, expiresAt: null },
        createdAt: seen[index]?.firstSeenAt ?? null,
      }))
    }),
    few('audit_key', async () => {
      const [keys, [newest]] = await database.read('system', async (read) => [
        await listKeys(read),
        await listCheckpoints(read, null, 1),
      ])
      return versions(
        keys,
        ({ name, version }) => ({ label: `${name}, key ${version}`, expiresAt: null }),
        at(newest?.created_at ?? null),
      )
    }),
    few('provenance_root', async () =>
      versions(
        await database.read('system', listRoots),
        ({ version, certificate, revoked_at: end }) => ({
          label: `content root ${version}`,
          expiresAt: endOf(certificate),
          ...(end !== null && { state: 'revoked' as const }),
        }),
        null,
      ),
    ),
    few('certificate', () => {
      const { tls, signer } = settings()
      const files = [
        ...(tls === undefined ? [] : [{ id: 'tls', label: 'TLS', end: tls.endsAt }]),
        ...(signer === undefined ? [] : [{ id: 'provenance', label: 'signs content', end: endOf(signer.chain) }]),
      ]
      return Promise.resolve(
        files.map(({ id, label, end }) => ({
          ...{ id, label, owner: house, state: 'active' as const, createdAt: null, lastUsedAt: null },
          expiresAt: end,
        })),
      )
    }),
    ofCallers(options),
  ]
}
