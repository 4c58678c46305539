import { Command } from 'commander'
import { exchange } from '../kernel/outbound.ts'
import { outputOf } from './command-context.ts'
import { addServerOptions, reach, refusal } from './running-server.ts'

type Given = Readonly<Record<string, unknown>>

const PATIENCE_MS = 30_000

/** Writes a paper to standard output: as a page, or with `--json` its data. */
const write = async (given: Given, paper: 'processing-record' | 'dpia'): Promise<void> => {
  const format = outputOf(given).json ? 'json' : 'markdown'
  const { url, headers } = await reach(given, `/admin/v1/privacy/${paper}?format=${format}`)
  const { status, text } = await exchange(url, { headers }, PATIENCE_MS)
  if (status !== 200) throw refusal(status, text)
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** `headgate privacy`: what data protection law wants written down, as far as the schema and the configuration say it. */
export const privacyCommand = (): Command => {
  const privacy = new Command('privacy').description('what data protection law wants written down')
  addServerOptions(privacy.command('processing-record'))
    .description('the record of processing activities (GDPR, Art. 30), in Markdown')
    .action((given: Given) => write(given, 'processing-record'))
  addServerOptions(privacy.command('dpia'))
    .description('the data of an impact assessment (GDPR, Art. 35), in Markdown, with risks for you to weigh')
    .action((given: Given) => write(given, 'dpia'))
  return privacy
}
