import { Type } from 'typebox'

const names = (description: string) => Type.Array(Type.String(), { description })

const FaultSchema = Type.Object({
  where: Type.String({ description: 'File with line and column, variable or flag.' }),
  option: Type.String({ description: 'Dotted; empty when the fault is not about one option.' }),
  problem: Type.String(),
  expected: Type.Optional(Type.String()),
  suggestion: Type.Optional(Type.String({ description: 'The nearest right name.' })),
})

const OptionSchema = Type.Object({
  option: Type.String({ description: 'Dotted.' }),
  value: Type.String({ description: 'As text; `***` for secrets and for whatever `${…}` brought in.' }),
  source: Type.String({ description: '`flag`, `environment`, `.env`, `file`, `ambient`, `profile` or `default`.' }),
  where: Type.String({ description: 'File with line and column, variable or flag.' }),
  reload: Type.Boolean({ description: 'Whether a reload changes it; else the next start does.' }),
  environment: Type.Union([Type.String(), Type.Null()], { description: 'The variable that sets it.' }),
})

const restart = names('Options that were changed and wait for the next start.')

/** The configuration in effect. */
export const ConfigSchema = Type.Object(
  {
    object: Type.Literal('config'),
    options: Type.Array(OptionSchema),
    restart_required: restart,
    last_reload: Type.Union([
      Type.Null(),
      Type.Object({
        at: Type.String({ description: 'RFC 3339.' }),
        actor: Type.String({ description: '`admin`, or `signal`.' }),
        outcome: Type.Enum(['done', 'refused']),
        faults: Type.Array(FaultSchema),
      }),
    ]),
  },
  {
    title: 'Configuration',
    examples: [
      {
        object: 'config',
        options: [
          {
            option: 'limits.per_ip.burst',
            value: '40',
            source: 'file',
            where: 'headgate.yaml:12:5',
            reload: true,
            environment: 'HEADGATE_LIMITS_PER_IP_BURST',
          },
        ],
        restart_required: [],
        last_reload: { at: '2026-01-31T09:15:00.000Z', actor: 'admin', outcome: 'done', faults: [] },
      },
    ],
  },
)

/** What a reload did. */
export const ReloadSchema = Type.Object(
  {
    object: Type.Literal('config_reload'),
    changed: names('Options that changed and are in effect now.'),
    restart_required: restart,
  },
  {
    title: 'ConfigurationReload',
    examples: [{ object: 'config_reload', changed: ['limits.per_ip.burst'], restart_required: ['port'] }],
  },
)
