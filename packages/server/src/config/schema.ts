import { BudgetRuleSchema, budgetNamePattern } from '@headgate/contract/budgets.ts'
import { type Static, Type } from 'typebox'
import { BodySchema } from './body-schema.ts'
import { CacheSchema } from './cache-schema.ts'
import { CurrencySchema } from './currency-schema.ts'
import { dataOptions } from './data-schema.ts'
import { AlertsSchema, ObjectivesSchema, ReceiversSchema } from './alerts-schema.ts'
import { DiagnosticsOptionsSchema, GuardsSchema } from './guards-schema.ts'
import { FetchSchema } from './fetch-schema.ts'
import { IdempotencySchema } from './idempotency-schema.ts'
import { LicencesSchema } from './licences-schema.ts'
import { limitsSchema } from './limits-schema.ts'
import {
  BodyLogSchema,
  LogSchema,
  RequestsSchema,
  SinksSchema,
  SlowLogSchema,
  TracesSchema,
} from './observability-schema.ts'
import { devicesSchema, IssuersSchema, SignaturesSchema } from './people-schema.ts'
import { ModelSchema } from './model-schema.ts'
import { mediaSchema } from './media-schema.ts'
import { StandbySchema, WarmSchema, WorkersSchema } from './process-schema.ts'
import { ResponsesSchema } from './responses-schema.ts'
import { ResumeSchema } from './resume-schema.ts'
import { RetentionSchema } from './retention-schema.ts'
import { ScalingSchema } from './scaling-schema.ts'
import { ProvenanceSchema } from './provenance-schema.ts'
import { localEngines, ProviderSchema } from './provider-schema.ts'
import { AutoSchema, RoutesSchema } from './routes-schema.ts'
import { SafetySchema } from './safety-schema.ts'
import { TierSchema } from './tier-schema.ts'
import { authorities, count, group, milliseconds, named, proxyLogin, rate, url } from './schema-parts.ts'

export const profileNames = ['development', 'testing', 'staging', 'production'] as const

/**
 * The one source of every option: its type, default, meaning, validation, environment name and place in the JSON Schema.
 * Own keywords: `x-environment` (a name other than the generated one), `x-secret` (never printed, kept apart from Config),
 * `x-path` (a file or folder, resolved when loaded), `x-money` (USD as text, becomes nano-USD), `x-removable` (`false` takes
 * the entry out), `x-check` (a named rule of validate.ts).
 */
export const ConfigSchema = group(
  {
    profile: Type.Enum([...profileNames], {
      default: 'development',
      description: 'Set of defaults and refusals. `production` and `staging` refuse an unsafe start.',
    }),
    host: Type.String({ minLength: 1, maxLength: 253, default: '127.0.0.1', description: 'Address to listen on.' }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8787, description: 'Port; 0 takes a free one.' }),
    workers: WorkersSchema,
    standby: StandbySchema,
    data_dir: Type.String({ minLength: 1, default: './.headgate', 'x-path': true, description: 'Data folder.' }),
    public_url: Type.Optional(url('Address under which callers reach Headgate; used in links.')),
    admin_key: Type.Optional(
      Type.String({ minLength: 32, 'x-secret': true, description: 'Key of the operator, 32 characters or more.' }),
    ),
    root_key: Type.Optional(
      Type.String({
        minLength: 32,
        'x-secret': true,
        description: 'Root of all derived keys, the same on every replica. Absent: made once in the data folder.',
      }),
    ),
    database_url: Type.Optional(
      Type.String({
        'x-secret': true,
        'x-check': 'postgres-url',
        description: 'External PostgreSQL; absent: the embedded one. `DATABASE_URL` is the fall-back.',
      }),
    ),
    redis_url: Type.Optional(
      Type.String({
        'x-secret': true,
        'x-check': 'redis-url',
        description: 'Redis or Valkey for counters. `REDIS_URL` is the fall-back.',
      }),
    ),
    counters: Type.Enum(['auto', 'memory', 'postgres', 'redis'], {
      default: 'auto',
      description:
        'Where limits are counted; `auto`: Redis when `redis_url` is given, else PostgreSQL when it is an external one, else memory.',
    }),
    trusted_proxies: Type.Array(Type.String({ 'x-check': 'cidr' }), {
      default: [],
      description: 'Addresses or CIDR ranges whose forwarding headers are believed.',
    }),
    tls: Type.Optional(
      group(
        {
          cert: Type.String({
            minLength: 1,
            'x-path': true,
            'x-check': 'file',
            description: 'Certificate chain, PEM.',
          }),
          key: Type.String({ minLength: 1, 'x-path': true, 'x-check': 'file', description: 'Private key, PEM.' }),
        },
        'Serve HTTPS with these files.',
      ),
    ),
    log: LogSchema,
    ollama_autodetect: Type.Boolean({
      default: true,
      description: 'Look for an Ollama on its usual port and offer its models. Off in production and testing.',
    }),
    local_engines: localEngines,
    providers: named('^[a-z0-9][a-z0-9_-]{0,63}$', ProviderSchema, {
      'x-removable': true,
      description: 'Model providers by name. A name set to `false` is taken out.',
    }),
    models: named('^[a-z0-9][a-z0-9_-]{0,63}/\\S{1,200}$', ModelSchema, {
      description: 'Prices and bounds by `provider/model`.',
    }),
    routes: RoutesSchema,
    auto: AutoSchema,
    licences: LicencesSchema,
    tiers: named('^[a-z0-9][a-z0-9_-]{0,63}$', TierSchema, {
      description: 'Tiers by name. Shipped: anonymous, free, pro, internal.',
    }),
    issuers: IssuersSchema,
    user_signatures: SignaturesSchema,
    devices: devicesSchema(rate('New tokens of devices, per address.', 10, 10)),
    warm: WarmSchema,
    metrics: group(
      {
        public: Type.Boolean({
          default: false,
          description: 'Whether `/metrics` asks for no key on an address that is not loopback.',
        }),
      },
      'Metrics.',
    ),
    scaling: ScalingSchema,
    objectives: ObjectivesSchema,
    alerts: AlertsSchema,
    receivers: ReceiversSchema,
    requests: RequestsSchema,
    slow_log: SlowLogSchema,
    body_log: BodyLogSchema,
    traces: TracesSchema,
    sinks: SinksSchema,
    budgets: Type.Record(Type.String({ pattern: budgetNamePattern }), BudgetRuleSchema, {
      additionalProperties: false,
      description: 'What projects, users, keys and models may spend, by name; see the guide on budgets.',
    }),
    currency: CurrencySchema,
    retention: RetentionSchema,
    limits: limitsSchema(rate('Callers without a secret key, per address.', 120, 40)),
    stream: group(
      {
        commit_after_ms: milliseconds('Longest wait for the first part before the status line is sent.', 10_000),
        keep_alive_ms: milliseconds('Pause after which a keep-alive comment is sent.', 15_000),
      },
      'Streams.',
    ),
    timeouts: group(
      {
        connect_ms: milliseconds('Time to connect to a provider.', 5_000),
        first_byte_ms: milliseconds('Time to the first byte of its answer.', 60_000),
        idle_ms: milliseconds('Longest silence inside an answer.', 60_000),
        total_ms: milliseconds('Longest whole call.', 600_000),
        drain_ms: milliseconds('Longest wait for open calls at shutdown.', 120_000),
        drain_delay_ms: Type.Integer({
          minimum: 0,
          maximum: 600_000,
          default: 0,
          description: 'Time at shutdown in which new calls are still taken, until load balancers have noticed.',
        }),
      },
      'Timeouts in milliseconds.',
    ),
    body: BodySchema,
    media: mediaSchema,
    safety: SafetySchema,
    provenance: ProvenanceSchema,
    idempotency: IdempotencySchema,
    responses: ResponsesSchema,
    resume: ResumeSchema,
    cache: CacheSchema,
    ...dataOptions,
    fetch: FetchSchema,
    guards: GuardsSchema,
    diagnostics: DiagnosticsOptionsSchema,
    queue: group(
      {
        max_waiting: Type.Integer({
          minimum: 0,
          maximum: 1_000_000,
          default: 1_000,
          description: 'Most calls that wait for one provider; 0: none waits.',
        }),
        max_wait_ms: milliseconds('Longest wait for a place at a provider.', 30_000),
      },
      'Calls that wait because enough are under way at their provider.',
    ),
    upstream: group(
      {
        max_response_bytes: count('Largest answer taken from a provider.', 67_108_864),
        connections: count('Most connections to one provider; calls beyond them wait.', 4_096),
        proxy: Type.Optional(url('HTTP proxy that calls to providers go through.')),
        proxy_login: Type.Optional(proxyLogin('`user:password` for `upstream.proxy`.')),
        ca: Type.Optional(authorities),
      },
      'Calls to providers.',
    ),
  },
  'Configuration of Headgate.',
)

type Loaded = Static<typeof ConfigSchema>

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/** A provider as configured, without its secrets (see `Secrets.providers`). */
export type ProviderConfig = DeepReadonly<
  Omit<Loaded['providers'][string], 'api_key' | 'api_keys' | 'headers' | 'proxy_login'>
>

/**
 * The loaded configuration, frozen. Money is nano-USD (bigint): per million tokens for token prices, per call for
 * `per_request`. Secrets are not in it.
 */
export type Config = DeepReadonly<
  Omit<Loaded, 'admin_key' | 'root_key' | 'database_url' | 'redis_url' | 'providers' | 'sinks' | 'receivers'>
> & { readonly providers: Readonly<Record<string, ProviderConfig>> }

/** All values as validated, secrets still among them; stays inside config/. */
export type LoadedConfig = Loaded
export type Profile = Config['profile']
