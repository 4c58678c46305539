import type { CreateProvider, ProviderTest, ProviderView, UpdateProvider } from '@headgate/contract/providers.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Read, Transaction } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { ListedModel } from './provider.ts'
import type { KeyStanding } from './key-ring.ts'
import { checkAddress, keysIn, refuse } from './provider-input.ts'
import { checkSettings, mergeSettings, type TemplateProblems } from './provider-settings.ts'
import { auditedProvider, presentConfigured, presentKey, presentStored } from './provider-presentation.ts'
import { hintOf, type ProviderSecrets } from './provider-secrets.ts'
import type { AuditPort, Operator } from './providers.ports.ts'
import type { ProviderRow, ProvidersStore } from './providers.store.ts'
import type { ProviderOptions } from './provider-options.ts'

const MOST_PROVIDERS = 200
const TEST_TIMEOUT_MS = 10_000
const SHOWN_MODELS = 20

export interface ProvidersServiceOptions {
  readonly store: ProvidersStore
  readonly secrets: ProviderSecrets
  readonly audit: AuditPort
  readonly clock: Clock
  /** The providers of the configuration, by name. */
  readonly configured: () => ReadonlyMap<string, ProviderOptions>
  /** Where a service known by its name, or a kind on its usual port, is reached. */
  readonly usualAddress: (name: string, kind: ProviderRow['kind']) => string | undefined
  /** Asks a provider reached in this way for its models. */
  readonly listModels: (name: string, options: ProviderOptions, signal: AbortSignal) => Promise<readonly ListedModel[]>
  /** How the keys of a provider stand in this process. */
  readonly keysOf: (name: string) => readonly KeyStanding[]
  readonly templateProblems: TemplateProblems
  readonly changed: () => Promise<void>
}

/** Kinds that a provider has whose name is theirs. */
const ownKinds = ['ollama', 'anthropic', 'azure', 'bedrock', 'gemini', 'elevenlabs'] as const

/** What a provider of this name speaks when nobody says it. */
const usualKind = (name: string): ProviderRow['kind'] => ownKinds.find((kind) => kind === name) ?? 'openai'

const resource = (name: string): string => `provider/${name}`
const notFound = (): AppError => new AppError('resource_not_found', { detail: 'There is no provider by this name.' })

/** Providers that operators add while Headgate runs. */
export const createProvidersService = (options: ProvidersServiceOptions) => {
  const { store, secrets, audit, clock, configured } = options
  const { statements } = store

  /** `off`: names of those that are switched off. */
  const present = async (
    read: Read,
    row: ProviderRow,
    off: ReadonlySet<string>,
    standings = options.keysOf(row.name),
  ): Promise<ProviderView> => {
    if (configured().has(row.name)) return presentStored(row, 'shadowed', [])
    const reached = await secrets.optionsOf(read, row).catch(() => null)
    if (reached === null) return presentStored(row, 'unreadable', [])
    const keys = [reached.apiKey, ...(reached.moreKeys ?? [])].flatMap((key, index) =>
      key === undefined ? [] : [presentKey(standings[index] ?? { state: 'ready', until: null }, hintOf(key.reveal()))],
    )
    return presentStored(row, off.has(row.name) ? 'disabled' : 'active', keys)
  }

  const presentOf = (name: string, reached: ProviderOptions, off: ReadonlySet<string>): ProviderView =>
    presentConfigured(name, reached, off.has(name), options.keysOf(name))

  const notConfigured = (name: string): void => {
    if (configured().has(name))
      throw refuse('name', 'is a provider of the configuration', 'Change it there, or choose another name.')
  }

  const create = async (input: CreateProvider, operator: Operator): Promise<ProviderView> => {
    const { name, kind = usualKind(name) } = input
    notConfigured(name)
    const address = input.base_url ?? options.usualAddress(name, kind)
    if (address === undefined) throw refuse('base_url', 'is required for this name', 'Such as https://host/v1.')
    checkAddress(address)
    const settings = mergeSettings({}, input)
    checkSettings(kind, settings, options.templateProblems)
    const view = await store.write(async (transaction) => {
      const revision = await statements.nextRevision(transaction)
      const all = await statements.providers(transaction)
      if (all.some((row) => row.name === name))
        throw refuse('name', 'is taken by another provider', 'Change that one, or choose another name.')
      if (all.length >= MOST_PROVIDERS) throw refuse('name', `would be provider ${MOST_PROVIDERS + 1}`, 'Delete one.')
      const at = new Date(clock.now())
      const row: ProviderRow = {
        name,
        kind,
        base_url: address,
        api_version: input.api_version ?? null,
        stream_usage: input.stream_usage ?? true,
        ...(await secrets.keyColumns(transaction, name, keysIn(input) ?? [])),
        ...(await secrets.headerColumns(transaction, name, input.headers ?? null)),
        created_at: at,
        changed_at: at,
        revision,
        settings,
      }
      await statements.insertProvider(transaction, row)
      await audit.record(transaction, {
        ...operator,
        action: 'provider.created',
        resource: resource(name),
        after: auditedProvider(row),
      })
      return present(transaction, row, await statements.switchedOff(transaction))
    })
    await options.changed()
    return view
  }

  const list = async (): Promise<ProviderView[]> => {
    const views = await store.read(async (read) => {
      const off = await statements.switchedOff(read)
      const ofConfiguration = [...configured()].map(([name, provider]) => presentOf(name, provider, off))
      const stored: ProviderView[] = []
      for (const row of await statements.providers(read)) stored.push(await present(read, row, off))
      return [...ofConfiguration, ...stored]
    })
    return views.sort((left, right) => (left.name < right.name ? -1 : 1))
  }

  /** Takes a provider of either origin out of use, or back into it. */
  const turn = async (
    transaction: Transaction,
    name: string,
    isOn: boolean,
    operator: Operator,
  ): Promise<ReadonlySet<string>> => {
    const before = await statements.switchedOff(transaction)
    if (before.has(name) !== isOn) return before
    if (isOn) await statements.switchOn(transaction, name)
    else await statements.switchOff(transaction, name, new Date(clock.now()))
    await audit.record(transaction, {
      ...operator,
      action: isOn ? 'provider.enabled' : 'provider.disabled',
      resource: resource(name),
    })
    return statements.switchedOff(transaction)
  }

  const update = async (name: string, input: UpdateProvider, operator: Operator): Promise<ProviderView> => {
    if (input.base_url !== undefined) checkAddress(input.base_url)
    const { enabled, ...changes } = input
    const keys = keysIn(input)
    const view = await store.write(async (transaction) => {
      const revision = await statements.nextRevision(transaction)
      const before = await statements.provider(transaction, name)
      const ofConfiguration = configured().get(name)
      const isChanged = Object.keys(changes).length > 0
      if (!before && (isChanged || !ofConfiguration)) {
        notConfigured(name)
        throw notFound()
      }
      const off =
        enabled === undefined
          ? await statements.switchedOff(transaction)
          : await turn(transaction, name, enabled, operator)
      if (ofConfiguration && !isChanged) return presentOf(name, ofConfiguration, off)
      if (!before) throw notFound()
      if (!isChanged) return present(transaction, before, off)
      const moves =
        input.base_url !== undefined && new URL(input.base_url).origin !== new URL(before.base_url ?? '').origin
      // Whoever may change an address could otherwise have the key sent to a server of their own.
      if (moves && before.api_key !== null && keys === undefined)
        throw refuse('api_key', 'must be given anew where base_url moves to another host', 'Send it, or null.')
      if (moves && before.headers !== null && input.headers === undefined)
        throw refuse('headers', 'must be given anew where base_url moves to another host', 'Send them, or null.')
      const after: ProviderRow = {
        ...before,
        base_url: input.base_url ?? before.base_url,
        api_version: input.api_version === undefined ? before.api_version : input.api_version,
        stream_usage: input.stream_usage ?? before.stream_usage,
        ...(keys !== undefined && (await secrets.keyColumns(transaction, name, keys))),
        ...(input.headers !== undefined && (await secrets.headerColumns(transaction, name, input.headers))),
        changed_at: new Date(clock.now()),
        revision,
        settings: mergeSettings(before.settings, input),
      }
      checkSettings(after.kind, after.settings, options.templateProblems)
      await statements.updateProvider(transaction, after)
      await audit.record(transaction, {
        ...operator,
        action: 'provider.updated',
        resource: resource(name),
        before: auditedProvider(before),
        after: { ...auditedProvider(after), given: Object.keys(changes).sort() },
      })
      // What is changed stands anew.
      return present(transaction, after, off, [])
    })
    await options.changed()
    return view
  }

  const remove = async (name: string, operator: Operator): Promise<void> => {
    await store.write(async (transaction) => {
      await statements.nextRevision(transaction)
      const before = await statements.provider(transaction, name)
      if (!before) {
        notConfigured(name)
        throw notFound()
      }
      await statements.deleteProvider(transaction, name)
      if (!configured().has(name)) await statements.switchOn(transaction, name)
      await audit.record(transaction, {
        ...operator,
        action: 'provider.deleted',
        resource: resource(name),
        before: auditedProvider(before),
      })
    })
    await options.changed()
  }

  /** How a provider is reached; that its secrets were opened for an operator is audited. */
  const openFor = (name: string, operator: Operator): Promise<ProviderOptions> =>
    store.write(async (transaction) => {
      const ofConfiguration = configured().get(name)
      const row = ofConfiguration ? undefined : await statements.provider(transaction, name)
      if (!ofConfiguration && !row) throw notFound()
      await audit.record(transaction, { ...operator, action: 'provider.tested', resource: resource(name) })
      return ofConfiguration ?? secrets.optionsOf(transaction, row as ProviderRow)
    })

  /** Asks a provider for its models with what is stored of it. */
  const test = async (name: string, operator: Operator): Promise<ProviderTest> => {
    const reached = await openFor(name, operator)
    const begun = clock.monotonic()
    const controller = new AbortController()
    const limit = clock.after(TEST_TIMEOUT_MS, () => controller.abort(new AppError('upstream_timeout')))
    const result = await options.listModels(name, reached, controller.signal).then(
      (models) => ({ models, fault: null }),
      (fault: unknown) => ({ models: [], fault }),
    )
    limit.cancel()
    const { models, fault } = result
    if (fault !== null && !(fault instanceof AppError)) throw fault
    return {
      object: 'provider_test',
      name,
      ok: fault === null,
      duration_ms: Math.round(clock.monotonic() - begun),
      models: models.slice(0, SHOWN_MODELS).map(({ id }) => id),
      models_total: models.length,
      error: fault && { code: fault.code, message: fault.message },
    }
  }

  return { create, list, update, remove, test }
}

export type ProvidersService = ReturnType<typeof createProvidersService>
