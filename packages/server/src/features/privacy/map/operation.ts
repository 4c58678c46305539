import type { TableMap } from '../data-map.ts'

const house = { activity: 'operation', personColumn: null, erasure: 'stays' } as const
const counted = 'Counts of many calls together.'
const hourly = [
  ...['kind', 'route', 'tier', 'target', 'code', 'count', 'total_ms', 'input_tokens', 'output_tokens', 'durations'],
  'first_bytes',
]

/** What keeps the service running. */
export const operationTables: Readonly<Record<string, TableMap>> = {
  origins: {
    ...house,
    purpose: 'Which model made which output, by digests.',
    kept: '`provenance.record_days`',
    because: 'Names no person; the request leads to the books, where an erasure takes the person out.',
    columns: {
      technical: ['project_id', 'request_id', 'position', 'kind', 'sha256', 'model', 'provider', 'created_at'],
    },
  },
  providers: {
    ...house,
    purpose: 'Model providers that were added at run time.',
    kept: 'until removed',
    columns: {
      technical: [
        ...['name', 'kind', 'base_url', 'stream_usage', 'api_key_hint', 'header_names', 'created_at', 'changed_at'],
        ...['revision', 'api_version', 'settings'],
      ],
      secret: ['api_key', 'headers'],
    },
  },
  provider_changes: {
    ...house,
    purpose: 'Tells replicas that providers changed.',
    kept: 'one row, for ever',
    columns: { technical: ['id', 'revision'] },
  },
  provider_switches: {
    ...house,
    purpose: 'Providers that are switched off.',
    kept: 'until switched on',
    columns: { technical: ['name', 'off_at'] },
  },
  request_minutes: {
    ...house,
    purpose: 'Counts of requests by the minute.',
    kept: '`requests.stats_days`',
    because: counted,
    columns: { technical: ['minute', 'process_id', 'written_at'], usage: hourly },
  },
  request_hours: {
    ...house,
    purpose: 'Counts of requests by the hour.',
    kept: '`requests.stats_days`',
    because: counted,
    columns: { technical: ['hour'], usage: hourly },
  },
  request_rollup: {
    ...house,
    purpose: 'How far minutes were added up to hours.',
    kept: 'one row, for ever',
    columns: { technical: ['single', 'rolled_at', 'reconciled_at'] },
  },
  privacy_breaches: {
    ...house,
    activity: 'security',
    purpose: 'Breaches of personal data, and when the authority and people were told.',
    kept: 'for ever: Article 33(5) of the GDPR asks for it',
    columns: {
      operator: ['opened_by'],
      technical: [
        ...['breach_id', 'title', 'description', 'projects', 'tables', 'risk', 'aware_at', 'notify_by', 'notified_at'],
        ...['reference', 'delay_reason', 'people_told_at', 'closed_at', 'opened_at'],
      ],
    },
  },
  alerts: {
    ...house,
    purpose: 'What fires.',
    kept: 'until a while after its end',
    columns: { technical: ['id', 'name', 'severity', 'summary', 'value', 'threshold', 'started_at', 'ended_at'] },
  },
  alert_deliveries: {
    ...house,
    purpose: 'Whether receivers were told.',
    kept: 'as long as the alert',
    columns: { technical: ['alert_id', 'state', 'receiver', 'attempts', 'next_at', 'delivered_at', 'fault'] },
  },
  alert_turn: {
    ...house,
    purpose: 'Whose turn it is to look at the alerts.',
    kept: 'one row, for ever',
    columns: { technical: ['single', 'evaluated_at'] },
  },
  backup_jobs: {
    ...house,
    purpose: 'Backups that were made or wanted, and what was looked at of them.',
    kept: '90 days',
    columns: {
      technical: [
        ...['id', 'kind', 'backup', 'state', 'stage', 'done_bytes', 'total_bytes', 'code', 'detail'],
        ...['created_at', 'started_at', 'ended_at'],
      ],
    },
  },
  log_levels: {
    ...house,
    purpose: 'How much each part writes to the log.',
    kept: 'until changed',
    columns: { technical: ['component', 'level', 'updated_at'] },
  },
  migrations: {
    ...house,
    purpose: 'Which versions of the schema were applied.',
    kept: 'for ever',
    columns: { technical: ['version', 'name', 'checksum', 'applied_at'] },
  },
}
