import type { CreateProvider, ProviderTest, ProviderView, UpdateProvider } from '@headgate/contract/providers.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Read } from '../../kernel/db.ts'
import { AppError } from '../../kernel/errors.ts'
import type { ListedModel } from './provider.ts'
import { checkAddress, refuse } from './provider-input.ts'
import { auditedProvider, presentConfigured, presentStored } from './provider-presentation.ts'
import type { ProviderSecrets } from './provider-secrets.ts'
import type { AuditPort, Operator } from './providers.ports.ts'
import type { ProviderRow, ProvidersStore } from './providers.store.ts'
import type { ProviderOptions } from './registry.ts'

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
  readonly changed: () => Promise<void>
}

/** Kinds that a provider has whose name is theirs. */
const ownKinds = ['ollama', 'anthropic', 'azure', 'bedrock', 'gemini'] as const

/** What a provider of this name speaks when nobody says it. */
const usualKind = (name: string): ProviderRow['kind'] => ownKinds.find((kind) => kind === name) ?? 'openai'

const resource = (name: string): string => `provider/${name}`
const notFound = (): AppError => new AppError('resource_not_found', { detail: 'There is no provider by this name.' })

/** Providers that operators add while Headgate runs. */
export const createProvidersService = (options: ProvidersServiceOptions) => {
  const { store, secrets, audit, clock, configured } = options
  const { statements } = store

  const present = async (read: Read, row: ProviderRow): Promise<ProviderView> => {
    if (configured().has(row.name)) return presentStored(row, 'shadowed')
    const readable = await secrets.optionsOf(read, row).then(
      () => true,
      () => false,
    )
    return presentStored(row, readable ? 'active' : 'unreadable')
  }

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
        stream_usage: input.stream_usage ?? true,
        ...(await secrets.keyColumns(transaction, name, input.api_key ?? null)),
        ...(await secrets.headerColumns(transaction, name, input.headers ?? null)),
        created_at: at,
        changed_at: at,
        revision,
      }
      await statements.insertProvider(transaction, row)
      await audit.record(transaction, {
        ...operator,
        action: 'provider.created',
        resource: resource(name),
        after: auditedProvider(row),
      })
      return presentStored(row, 'active')
    })
    await options.changed()
    return view
  }

  const list = async (): Promise<ProviderView[]> => {
    const stored = await store.read(async (read) => {
      const views: ProviderView[] = []
      for (const row of await statements.providers(read)) views.push(await present(read, row))
      return views
    })
    const ofConfiguration = [...configured()].map(([name, provider]) => presentConfigured(name, provider))
    return [...ofConfiguration, ...stored].sort((left, right) => (left.name < right.name ? -1 : 1))
  }

  const update = async (name: string, input: UpdateProvider, operator: Operator): Promise<ProviderView> => {
    if (input.base_url !== undefined) checkAddress(input.base_url)
    const view = await store.write(async (transaction) => {
      const revision = await statements.nextRevision(transaction)
      const before = await statements.provider(transaction, name)
      if (!before) {
        notConfigured(name)
        throw notFound()
      }
      const moves =
        input.base_url !== undefined && new URL(input.base_url).origin !== new URL(before.base_url ?? '').origin
      // Whoever may change an address could otherwise have the key sent to a server of their own.
      if (moves && before.api_key !== null && input.api_key === undefined)
        throw refuse('api_key', 'must be given anew where base_url moves to another host', 'Send it, or null.')
      if (moves && before.headers !== null && input.headers === undefined)
        throw refuse('headers', 'must be given anew where base_url moves to another host', 'Send them, or null.')
      const after: ProviderRow = {
        ...before,
        base_url: input.base_url ?? before.base_url,
        stream_usage: input.stream_usage ?? before.stream_usage,
        ...(input.api_key !== undefined && (await secrets.keyColumns(transaction, name, input.api_key))),
        ...(input.headers !== undefined && (await secrets.headerColumns(transaction, name, input.headers))),
        changed_at: new Date(clock.now()),
        revision,
      }
      await statements.updateProvider(transaction, after)
      await audit.record(transaction, {
        ...operator,
        action: 'provider.updated',
        resource: resource(name),
        before: auditedProvider(before),
        after: { ...auditedProvider(after), given: Object.keys(input).sort() },
      })
      return present(transaction, after)
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
