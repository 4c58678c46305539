import type { ProcessingRecord } from '@headgate/contract/privacy.ts'
import type { Dpia } from '@headgate/contract/privacy-dpia.ts'

const list = (lines: readonly string[]): string =>
  lines.length === 0 ? 'None.' : lines.map((line) => `- ${line}`).join('\n')
/** Text of a cell: what would end it is escaped. */
const cell = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('\n', ' ')

const activitySection = ({
  activity,
  purpose,
  people,
  data,
  kept,
  recipients,
}: ProcessingRecord['activities'][number]): string =>
  [
    `### ${activity}`,
    `${purpose}.`,
    `People: ${people.join(', ') || 'none'}. Data: ${data.join('; ') || 'none of people'}.`,
    'Recipients:',
    list(recipients.map(({ name, host, country }) => `${name} (${host}), country: ${country ?? 'not known'}`)),
    'Time limits:',
    list(kept),
  ].join('\n\n')

const recordSections = (record: ProcessingRecord): string[] => [
  '## Activities',
  ...record.activities.map(activitySection),
  '## Security',
  list(record.security),
  '## To be added to the record',
  list(record.to_be_added),
]

/** The record of processing as a page in Markdown. */
export const recordPage = (record: ProcessingRecord): string =>
  [
    '# Record of processing activities',
    `As of ${record.generated_at}; GDPR, Article 30(1).`,
    ...recordSections(record),
    '',
  ].join('\n\n')

/** The data of an assessment as a page in Markdown, with places to fill in. */
export const dpiaPage = (assessment: Dpia): string =>
  [
    '# Data protection impact assessment',
    `As of ${assessment.generated_at}; GDPR, Article 35(7).`,
    ...recordSections(assessment.processing),
    '## Necessity and proportionality',
    list(assessment.necessity),
    '## Retention',
    list(assessment.retention.map(({ class: name, days }) => `${name}: ${days === 0 ? 'for ever' : `${days} days`}`)),
    '## What the configuration makes more risky',
    list(assessment.findings),
    '## Risks',
    `| Risk | What stands against it | Likelihood | Severity | What stays |\n| --- | --- | --- | --- | --- |\n${assessment.risks
      .map(({ risk, measures }) => `| ${cell(risk)} | ${cell(measures.join(' '))} | | | |`)
      .join('\n')}`,
    '## To be added to the assessment',
    list(assessment.to_be_added),
    '',
  ].join('\n\n')
