import type { RetentionRun, RetentionTable } from '@headgate/contract/privacy-retention.ts'
import { Command } from 'commander'
import { exchange } from '../kernel/outbound.ts'
import { outputOf } from './command-context.ts'
import { say, writeJson, writeTable } from './output.ts'
import { addServerOptions, reach, refusal } from './running-server.ts'

type Given = Readonly<Record<string, unknown>>

const PATIENCE_MS = 120_000

const ask = async <Answer>(given: Given, path: string, body?: object): Promise<Answer> => {
  const { url, headers } = await reach(given, path)
  const { status, text } = await exchange(
    url,
    { headers, ...(body !== undefined && { body: JSON.stringify(body) }) },
    PATIENCE_MS,
  )
  if (status !== 200) throw refusal(status, text)
  return JSON.parse(text) as Answer
}

const showPlan = async (given: Given): Promise<void> => {
  const { project } = given
  const query = typeof project === 'string' ? `?project=${encodeURIComponent(project)}` : ''
  const plan = await ask<{ data: RetentionTable[] }>(given, `/admin/v1/retention${query}`)
  writeTable(
    outputOf(given),
    plan,
    ['table', 'class', 'project', 'would end', 'held', 'oldest'],
    plan.data.flatMap(({ table, class: name, due }) =>
      due.map(({ project: of, rows, held, oldest }) => [table, name, of, rows, held, oldest]),
    ),
  )
}

const runAll = async (given: Given): Promise<void> => {
  const { project } = given
  const records: RetentionRun['records'] = []
  for (;;) {
    const run = await ask<RetentionRun>(
      given,
      '/admin/v1/retention/runs',
      typeof project === 'string' ? { project } : {},
    )
    records.push(...run.records)
    // What hinders the rest from going would hinder it again.
    if (!run.has_more || run.records.length === 0) break
  }
  const output = outputOf(given)
  if (output.json) writeJson({ object: 'list', data: records })
  else if (records.length === 0) say(output, 'Nothing was old enough.')
  else for (const { record } of records) say(output, record)
}

/** `headgate retention run`: ends what is kept long enough, or says what that would be. */
export const retentionCommand = (): Command => {
  const retention = new Command('retention').description('how long what is kept of people stays')
  addServerOptions(retention.command('run'))
    .description('end what is kept long enough, with a signed record of it')
    .option('--dry-run', 'say what would end, and touch nothing')
    .option('--project <id>', 'of this project only')
    .action((given: Given) => (given['dryRun'] === true ? showPlan(given) : runAll(given)))
  return retention
}
