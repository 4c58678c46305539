import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type SampleTask, languagesOf, sampleLanguages, sampleTasks } from './samples.ts'

const notice = '<!-- Written by scripts/generate-reference.ts from docs/samples. Do not edit. -->'
const page = (...parts: string[]): string => `${[notice, ...parts].join('\n\n')}\n`
const fenced = (fence: string, label: string, text: string): string =>
  `\`\`\`${fence}${label}\n${text.trimEnd()}\n\`\`\``

const taskPage = (root: string, task: SampleTask): string => {
  const read = (file: string): string => readFileSync(join(root, 'docs/samples', task.folder, file), 'utf8')
  const languages = languagesOf(task)
  return page(
    `# ${task.title}`,
    `${task.text} More: [the guide](../${task.guide}) · [all samples](README.md)`,
    '::: code-group',
    ...languages.map(({ file, name, fence }) => fenced(fence, ` [${name}]`, read(file))),
    ':::',
    `With the simulated model \`demo\` each of them prints, but for what stands in angle brackets:`,
    fenced('text', '', read('expected.txt')),
    `Files in \`docs/samples/${task.folder}\`: ${languages.map(({ file, checked }) => `\`${file}\` (${checked})`).join(', ')}.`,
  )
}

const overview = (): string =>
  page(
    '# Samples',
    'Each is a whole program: copy it, set `HEADGATE_API_KEY`, run it. `HEADGATE_URL` is `http://127.0.0.1:8787` unless you set it. They call the simulated model ' +
      '`demo`, which needs no provider; write another model’s name for real answers.',
    sampleTasks.map(({ folder, title, text }) => `- [${title}](${folder}.md): ${text}`).join('\n'),
    '## Languages',
    [
      '| Language | File | Needs | Checked |',
      '| --- | --- | --- | --- |',
      ...sampleLanguages.map(({ name, file, needs, checked }) => `| ${name} | \`${file}\` | ${needs} | ${checked} |`),
    ].join('\n'),
    '_Executed_ means: every run of the tests runs the sample against a live server, compares what it prints with `expected.txt` and what it sends with ' +
      '`requests.json` beside it. Python is checked by pylint and black besides, TypeScript by the compiler.',
  )

/** The pages that show the samples: path from the root, and text. */
export const samplePages = (root: string): Map<string, string> =>
  new Map([
    ['docs/samples/README.md', overview()],
    ...sampleTasks.map((task): [string, string] => [`docs/samples/${task.folder}.md`, taskPage(root, task)]),
  ])
