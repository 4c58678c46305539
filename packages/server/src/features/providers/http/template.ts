import { asHeader } from '../../../domain/attribution.ts'
import { type CallTemplate, modeOfBody, type TemplateOperation, templateValues } from '../../../domain/call-template.ts'
import { parseTemplate, type TemplateMode, type TemplateValues } from '../../../kernel/template.ts'
import { invalid } from '../translation/losses.ts'

/** How each operation is asked for. */
export type Templates = Readonly<Partial<Record<TemplateOperation, CallTemplate>>>

/** A request that a template came to. */
export interface FilledCall {
  readonly path: string
  /** Name and value in turn. */
  readonly headers: readonly string[]
  readonly body: Buffer | null
}

/** A template, read once. */
export interface ReadTemplate {
  readonly template: CallTemplate
  readonly names: ReadonlySet<string>
  /** @throws ProviderFault `invalid_parameter` where a value would make another address of it. */
  fill(values: TemplateValues): FilledCall
}

/** Longer addresses are cut or refused by servers on the way. */
const MOST_PATH = 16_000
const dots = /(^|\/)(\.|%2e){1,2}(\/|$)/i

const checked = (path: string): string => {
  if (path.length > MOST_PATH) throw invalid('prompt', 'is too long for the address of this model', 'Shorten it.')
  const [way = ''] = path.split('?')
  if (dots.test(way)) throw invalid('prompt', 'would lead elsewhere', 'Write more than dots.')
  return path
}

/** Reads a template. @throws TemplateFault. */
export const readTemplate = (template: CallTemplate): ReadTemplate => {
  const parse = (text: string, mode: TemplateMode) => parseTemplate(text, mode, templateValues)
  const path = parse(template.path, 'url')
  const body = template.body === undefined ? null : parse(template.body, modeOfBody(template.contentType))
  const headers = Object.entries(template.headers ?? {}).map(
    ([name, text]) => [name.toLowerCase(), parse(text, 'text')] as const,
  )
  const parts = [path, ...(body === null ? [] : [body]), ...headers.map(([, text]) => text)]
  return {
    template,
    names: new Set(parts.flatMap(({ names }) => [...names])),
    fill: (values) => ({
      path: checked(path.fill(values)),
      headers: headers.flatMap(([name, text]) => [name, asHeader(text.fill(values))]),
      body: body === null ? null : Buffer.from(body.fill(values).toWellFormed()),
    }),
  }
}
