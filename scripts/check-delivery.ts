import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { validate } from 'dockerfile-utils'
import { parseDocument } from 'yaml'

// GitHub's parser is published for bundlers: it imports JSON without saying so, which Node.js refuses.
registerHooks({
  load: (url, context, next) =>
    next(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
})
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import('@actions/workflow-parser')

/** Faults of one GitHub workflow by the parser of GitHub’s own language server: its schema, and the expressions in it. */
export const workflowProblems = async (name: string, text: string): Promise<string[]> => {
  const { context, value } = parseWorkflow({ name, content: text }, new NoOperationTraceWriter())
  if (value !== undefined) await convertWorkflowTemplate(context, value)
  const problems = context.errors.getErrors().map(({ message }) => message)
  // A floating branch could change under us; a release cannot, and a commit least of all.
  for (const [, action] of text.matchAll(/uses: (\S+)/g))
    if (!/^[\w./-]+@(?:v\d+(?:\.\d+)*|[0-9a-f]{40})$/.test(action ?? ''))
      problems.push(`${name}: ${action} names neither a version nor a commit`)
  if (!/^permissions:$/m.test(text)) problems.push(`${name}: states no permissions, so that its jobs have all`)
  if ((text.match(/runs-on:/g) ?? []).length !== (text.match(/timeout-minutes:/g) ?? []).length)
    problems.push(`${name}: every job needs timeout-minutes`)
  return problems
}

/** Faults of a Dockerfile, warnings among them, and what an image of ours must have. */
export const dockerfileProblems = (name: string, text: string): string[] => {
  const problems = validate(text).map(
    ({ message, range }) => `${name}:${range.start.line + 1}: ${typeof message === 'string' ? message : message.value}`,
  )
  const last = text.slice(text.lastIndexOf('\nFROM '))
  const user = /^USER (\S+)$/m.exec(last)?.[1]
  if (user === undefined || user === 'root' || user === '0') problems.push(`${name}: the last stage runs as root`)
  for (const instruction of ['HEALTHCHECK', 'STOPSIGNAL', 'ENTRYPOINT ["'])
    if (!last.includes(`\n${instruction}`)) problems.push(`${name}: the last stage has no ${instruction}`)
  for (const [, image] of text.matchAll(/^FROM (\S+)/gm))
    if (!/:[^:]+$/.test(image ?? '') || image?.endsWith(':latest')) problems.push(`${name}: ${image} names no version`)
  return problems
}

interface Service {
  readonly image?: string
  readonly volumes?: readonly string[]
  readonly depends_on?: object
  readonly restart?: string
}
const topLevel = new Set(['name', 'services', 'volumes', 'networks', 'configs', 'secrets'])

/** Faults of a compose file: unreadable YAML, unknown parts, and names that lead nowhere. */
export const composeProblems = (name: string, text: string): string[] => {
  const document = parseDocument(text, { merge: true })
  if (document.errors.length > 0) return document.errors.map(({ message }) => `${name}: ${message}`)
  const file = document.toJS() as { services?: Record<string, Service>; volumes?: Record<string, unknown> }
  const problems = Object.keys(file).flatMap((part) =>
    topLevel.has(part) || part.startsWith('x-') ? [] : [`${name}: there is no top-level ${part}`],
  )
  for (const [service, { image, volumes = [], depends_on: needs = {}, restart }] of Object.entries(
    file.services ?? {},
  )) {
    if (image === undefined) problems.push(`${name}: ${service} names no image`)
    if (restart === undefined) problems.push(`${name}: ${service} does not say when to restart`)
    for (const needed of Array.isArray(needs) ? (needs as string[]) : Object.keys(needs))
      if (!file.services?.[needed]) problems.push(`${name}: ${service} needs ${needed}, which is no service`)
    for (const volume of volumes) {
      const source = volume.split(':')[0] ?? ''
      if (!/^[./]/.test(source) && !(file.volumes && source in file.volumes))
        problems.push(`${name}: ${service} mounts ${source}, which is no volume`)
    }
  }
  return problems
}

const filesIn = (root: string, folder: string, ending: string): [path: string, text: string][] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder))
        .filter((name) => name.endsWith(ending))
        .map((name) => [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')])
    : []

/** Everything wrong with the workflows, the image and the compose files of a checkout. */
export const deliveryProblems = async (root: string): Promise<string[]> => {
  const workflows = filesIn(root, '.github/workflows', '.yaml').map(([path, text]) => workflowProblems(path, text))
  return [
    ...(await Promise.all(workflows)).flat(),
    ...filesIn(root, 'deploy', 'Dockerfile').flatMap(([path, text]) => dockerfileProblems(path, text)),
    ...filesIn(root, 'deploy/compose', '.yaml').flatMap(([path, text]) => composeProblems(path, text)),
  ]
}
