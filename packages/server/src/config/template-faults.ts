import { modeOfBody, type TemplateOperation, templateOperations, templateValues } from '../domain/call-template.ts'
import { parseTemplate, TemplateFault, type TemplateMode } from '../kernel/template.ts'
import type { ConfigFault } from './faults.ts'
import { printPath } from './options.ts'
import type { LoadedConfig } from './schema.ts'

type Templates = NonNullable<LoadedConfig['providers'][string]['templates']>
type Loaded = NonNullable<Templates['chat']>
type Problem = { readonly path: readonly string[]; readonly problem: string; readonly expected: string }
type Say = (path: readonly string[], problem: string, expected: string) => Problem

const say: Say = (path, problem, expected) => ({ path, problem, expected })

/** Headers that frame a message, or that the provider sets by itself. */
const reserved =
  /^(accept|accept-encoding|authorization|connection|content-length|content-type|host|transfer-encoding|upgrade|user-agent|x-request-id)$/i

const readable = (text: string, mode: TemplateMode): string | null => {
  try {
    parseTemplate(text, mode, templateValues)
    return null
  } catch (fault) {
    if (fault instanceof TemplateFault) return fault.message
    throw fault
  }
}

const answers: Readonly<Record<TemplateOperation, readonly string[]>> = {
  chat: ['text', 'type'],
  images: ['base64', 'url', 'type'],
  speech: ['base64', 'type'],
}

const answerFaults = (operation: TemplateOperation, { answer }: Loaded, path: readonly string[]): Problem[] => {
  const said = Object.keys(answer)
  const wrong = said.find((name) => !answers[operation].includes(name))
  if (wrong !== undefined)
    return [say([...path, 'answer', wrong], `is no answer of ${operation}`, answers[operation].join(' or '))]
  const pointers = said.filter((name) => name !== 'type')
  if (said.length === 0 || pointers.length > 1)
    return [say([...path, 'answer'], 'does not say where the answer is', `one of ${answers[operation].join(', ')}`)]
  if (operation === 'speech' && pointers.length === 1 && answer.type === undefined)
    return [say([...path, 'answer'], 'does not say what the bytes are', 'type too, such as audio/mpeg')]
  return []
}

const templateFaults = (operation: TemplateOperation, template: Loaded, path: readonly string[]): Problem[] => {
  const { method, body, content_type: type = 'application/json', headers = {} } = template
  const texts: (readonly [string, string | null])[] = [
    ['path', readable(template.path, 'url')],
    ['body', body === undefined ? null : readable(body, modeOfBody(type))],
    ...Object.entries(headers).map(([name, text]) => [`headers.${name}`, readable(text, 'text')] as const),
  ]
  return [
    ...texts.flatMap(([name, problem]) =>
      problem === null ? [] : [say([...path, ...name.split('.')], problem, `one of ${[...templateValues].join(', ')}`)],
    ),
    ...Object.keys(headers).flatMap((name) =>
      reserved.test(name) ? [say([...path, 'headers', name], 'is not for a template', 'another header')] : [],
    ),
    ...((method === 'POST') === (body !== undefined)
      ? []
      : [say(path, `is ${method} ${body === undefined ? 'without' : 'with'} a body`, 'POST with a body, or GET')]),
    ...answerFaults(operation, template, path),
  ]
}

/** What no schema says of templates: what they have places for, and where their answers are. */
export const templateProblems = (templates: Templates): Problem[] =>
  templateOperations.flatMap((operation) => {
    const template = templates[operation]
    return template === undefined ? [] : templateFaults(operation, template, [operation])
  })

/** The same of the templates of a configuration, and which providers have them. */
export const callTemplateFaults = (
  { providers }: LoadedConfig,
  where: (path: readonly string[]) => string,
): ConfigFault[] => {
  const fault = ({ path, problem, expected }: Problem): ConfigFault => ({
    ...{ where: where(path), option: printPath(path), problem, expected },
  })
  return Object.entries(providers).flatMap(([name, { kind, templates }]) => {
    const path = ['providers', name]
    if (kind !== 'http')
      return templates === undefined
        ? []
        : [fault(say([...path, 'templates'], `is for kind http, not ${kind}`, 'kind: http'))]
    if (templates === undefined || Object.keys(templates).length === 0)
      return [fault(say(path, '"templates" is missing', `one of ${templateOperations.join(', ')}`))]
    return templateProblems(templates).map((problem) =>
      fault({ ...problem, path: [...path, 'templates', ...problem.path] }),
    )
  })
}
